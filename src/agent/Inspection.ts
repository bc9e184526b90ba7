/**
 * Sends an instance's agent one real question, for `doctor` and `instance create`.
 *
 * @module
 */
import { Duration, Effect, Stream } from "effect"
import type { AgentEvent } from "../core/chat/Agent.ts"
import type { Instance } from "../core/chat/Instance.ts"
import type { AgentFacts } from "../core/doctor/AgentDiagnosis.ts"
import { type AgentError, AgentStream } from "../services/chat/AgentStream.ts"

type Outcome = AgentFacts["outcome"]

const question = "Reply with the word OK."

/** Enough for one word. A reasoning model may use them up before it answers. */
const maxTokens = 64

const isWord = ({ _tag }: AgentEvent): boolean => _tag === "Text" || _tag === "Refusal"

const answered: Outcome = { _tag: "Answered" }

const ofError = (error: AgentError): Outcome => {
  switch (error._tag) {
    case "AgentRefused":
    case "AgentBusy":
      if (error.status !== undefined && (error.status < 200 || error.status > 299)) {
        return { _tag: "Refused", status: error.status }
      }
      if (error._tag === "AgentBusy" || error.status !== undefined) return { _tag: "Failed", reason: error.reason }
      return error.missingKey === undefined
        ? { _tag: "Unavailable", reason: error.code ?? error.reason }
        : { _tag: "NoKey", variable: error.missingKey }
    case "AgentBroken":
      return { _tag: "Failed", reason: error.reason }
    case "AgentEmpty":
      // The agent works: it reasoned until it reached `maxTokens`.
      return error.finish === "length" ? answered : { _tag: "Failed", reason: "its answer is empty" }
    case "DailyTokensUsed":
      return answered
    case "AgentTimeout":
      return { _tag: "Unavailable", reason: "it did not answer in time" }
  }
}

/** Sends the agent one question, and reads its answer up to the first word, for at most `timeout`. */
export const inspect = Effect.fnUntraced(function* (
  instance: Instance,
  timeout: Duration.Input
): Effect.fn.Return<AgentFacts, never, AgentStream> {
  const agent = yield* AgentStream
  const outcome = yield* agent
    .stream({
      instance: { ...instance, maxTokens: Math.min(instance.maxTokens, maxTokens) },
      session: "hydracore-check",
      turns: [{ role: "user", text: question }]
    })
    .pipe(
      Stream.takeUntil(isWord),
      Stream.runDrain,
      Effect.as(answered),
      Effect.catch((error) => Effect.succeed(ofError(error))),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () =>
          Effect.succeed<Outcome>({
            _tag: "Unavailable",
            reason: `no answer in ${Duration.format(Duration.fromInputUnsafe(timeout))}`
          })
      })
    )
  return { instanceId: instance.instanceId, name: instance.name, outcome }
})
