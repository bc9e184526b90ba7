/**
 * Looks at agents for `doctor`: whether each is there and takes its key. No message is sent.
 *
 * @module
 */
import { Duration, Effect, Option, type Redacted } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import type { Instance } from "../core/chat/Instance.ts"
import type { AgentFacts } from "../core/doctor/Diagnosis.ts"
import * as SystemErrorCode from "../core/text/SystemErrorCode.ts"
import * as Endpoint from "./Endpoint.ts"

export interface Options {
  /** How long an agent may take to answer. */
  readonly timeout: Duration.Input
  /** The bearer key in an environment variable; none if it is not set. */
  readonly keyOf: (variable: string) => Effect.Effect<Option.Option<Redacted.Redacted>>
}

/** The list of models stands beside the completions in every OpenAI-compatible runtime that has one, and costs nothing. */
const modelsOf = (agentUrl: string): Option.Option<URL> =>
  Option.map(Endpoint.of(agentUrl, "chat/completions"), (url) => {
    url.pathname = url.pathname.replace(/\/chat\/completions$/, "/models")
    return url
  })

/** Asks an agent for its models, and says how that went. */
export const inspect = Effect.fnUntraced(function* (
  instance: Instance,
  options: Options
): Effect.fn.Return<AgentFacts, never, HttpClient.HttpClient> {
  const client = HttpClient.withScope(yield* HttpClient.HttpClient)
  const facts = (seen: AgentFacts["seen"]): AgentFacts => ({
    instanceId: instance.instanceId,
    name: instance.name,
    seen
  })
  const url = modelsOf(instance.agentUrl)
  if (Option.isNone(url)) return facts({ _tag: "Away", reason: "its address is no http or https address" })
  const unsigned = HttpClientRequest.get(url.value)
  let request = unsigned
  if (instance.agentKeyEnv !== null) {
    const key = yield* options.keyOf(instance.agentKeyEnv)
    if (Option.isNone(key)) return facts({ _tag: "NoKey", variable: instance.agentKeyEnv })
    request = HttpClientRequest.bearerToken(unsigned, key.value)
  }
  return yield* client.execute(request).pipe(
    Effect.map(({ status }) => facts({ _tag: "Answered", status })),
    // No word of the agent's.
    Effect.catch(({ cause }) =>
      Effect.succeed(facts({ _tag: "Away", reason: SystemErrorCode.of(cause) ?? "no connection" }))
    ),
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: options.timeout,
      orElse: () =>
        Effect.succeed(
          facts({ _tag: "Away", reason: `no answer in ${Duration.format(Duration.fromInputUnsafe(options.timeout))}` })
        )
    })
  )
})
