/**
 * Sends requests to agents over HTTP, in any of the protocols that an instance can name, and streams their answers. A
 * request that is too long for the agent's model is shortened and sent again.
 *
 * @module
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import {
  Clock,
  Duration,
  Effect,
  FiberSet,
  Layer,
  Option,
  Predicate,
  Record,
  Redacted,
  type Scope,
  Stream,
  type Tracer
} from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import * as OutwardConnector from "../../platform/outward/OutwardConnector.ts"
import * as OutwardNames from "../../platform/outward/OutwardNames.ts"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import { type AgentFailures, failed } from "../AgentFailures.ts"
import { type AgentError, AgentRefused, AgentStream, AgentTimeout } from "../AgentStream.ts"
import type * as Instance from "../Instance.ts"
import * as SealedAdditions from "../SealedAdditions.ts"
import * as TokenBudget from "../TokenBudget.ts"
import type { AgentRequest, ModelMessage } from "./Agent.ts"
import * as AgentRefusals from "./AgentRefusals.ts"
import * as AgentResponse from "./AgentResponse.ts"
import * as Anthropic from "./Anthropic.ts"
import * as OpenAiChat from "./OpenAiChat.ts"
import * as OpenAiResponses from "./OpenAiResponses.ts"
import type { AgentProtocol } from "./Protocol.ts"
import * as Protocol from "./Protocol.ts"

export const protocols: Readonly<Record<Instance.AgentProtocolName, AgentProtocol>> = {
  "openai-chat": OpenAiChat.protocol,
  "openai-responses": OpenAiResponses.protocol,
  anthropic: Anthropic.protocol
}

/**
 * Endings of documented base URLs to which only the endpoint's path is added: `/v1`, `/v4` (Zhipu), `/v1beta/openai` (Gemini),
 * `/openai/deployments/{name}` (Azure), `/endpoints/openapi` (Vertex AI), `/inference` (GitHub Models) and `/models`
 * (Azure AI Foundry).
 */
const completeBase =
  /\/(v\d+[a-z0-9]*|v\d+[a-z0-9]*\/openai|openai\/deployments\/[^/]+|endpoints\/openapi|inference|models)$/

/** Hosts of providers whose documented base URL has no path. */
const completeHosts: ReadonlySet<string> = new Set(["api.perplexity.ai", "api.githubcopilot.com"])

/**
 * The URL of the endpoint `path` (such as `chat/completions`) of an agent. If `agentUrl` already ends with `path`, it is the
 * result. Otherwise `/{path}` is added if `agentUrl` is one of the base URLs above, and `/v1/{path}` if not. A query is kept.
 * None if `agentUrl` is not an http or https URL.
 */
export const endpointOf = (agentUrl: string, path: string): Option.Option<URL> => {
  const url = URL.parse(agentUrl)
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return Option.none()
  url.hash = ""
  const base = url.pathname.replace(/\/+$/, "")
  if (base.endsWith(`/${path}`)) return Option.some(url)
  const isComplete = completeBase.test(base) || (base === "" && completeHosts.has(url.hostname))
  url.pathname = isComplete ? `${base}/${path}` : `${base}/v1/${path}`
  return Option.some(url)
}

export interface Options {
  /**
   * How long the agent may be silent: before its headers come, and between any two events of its stream. An answer that is
   * not streamed must be complete within this time.
   */
  readonly timeout: Duration.Input
  /** The key in an environment variable; none if the variable is not set. */
  readonly keyOf: (variable: string) => Effect.Effect<Option.Option<Redacted.Redacted>>
  /** `SECRETS_KEY`, which decrypts the agents' keys that the owner API stored. */
  readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
  /** Finds the addresses of guarded agents, by default with the name servers of the system. */
  readonly names?: Layer.Layer<OutwardNames.OutwardNames>
  /** Gets what becomes of the answers. */
  readonly record?: AgentFailures["Service"]["record"] | undefined
  /** Limits the tokens of the instances that have a limit; without it, none is limited. */
  readonly budget?: TokenBudget.TokenBudget["Service"] | undefined
}

/**
 * Leaves out earlier messages without text, which some providers refuse. Joins adjacent messages of the same role, which are
 * left when an answer failed: Perplexity and the chat templates of many models refuse roles that do not alternate.
 */
export const requestMessages = (messages: ReadonlyArray<ModelMessage>): ReadonlyArray<Protocol.RequestMessage> => {
  const joined: Array<Protocol.RequestMessage> = []
  for (const [index, { role, text }] of messages.entries()) {
    if (text.trim() === "" && index < messages.length - 1) continue
    // UTF-8 has no lone surrogates, and many runtimes fail on them.
    const content = text.toWellFormed()
    const last = joined.at(-1)
    if (last?.role === role) joined[joined.length - 1] = { role, content: `${last.content}\n\n${content}` }
    else joined.push({ role, content })
  }
  return joined
}

/** The members of a request's body, without those that the instance adds. */
export const bodyOf = (request: AgentRequest) => {
  const { agent_model, agent_protocol, daily_tokens, max_tokens, memory } = request.instance
  const members = protocols[agent_protocol].body(request, {
    model: agent_model ?? undefined,
    maxTokens: memory === "edge" || daily_tokens !== null ? max_tokens : undefined,
    messages: requestMessages(request.messages)
  })
  return Record.filter(members, Predicate.isNotUndefined)
}

type Headers = Readonly<Record<string, string>>

const commonHeaders = { accept: "text/event-stream", "content-type": "application/json" }
const noHeaders = Effect.succeed({})
const noAdditions = Effect.succeed<Readonly<Record<string, unknown>>>({})

/** W3C Trace Context. */
const headersOfSpan = ({ sampled, spanId, traceId }: Tracer.AnySpan): Headers => ({
  traceparent: `00-${traceId.padStart(32, "0")}-${spanId}-${sampled ? "01" : "00"}`
})

/** The headers that pass the trace on to the agent. If the trace is sampled, a span lasts until the scope closes. */
const traceHeaders = (request: AgentRequest): Effect.Effect<Headers, never, Scope.Scope> =>
  Effect.withFiber(({ cache: { span } }) => {
    if (span === undefined) return noHeaders
    if (!span.sampled) return Effect.succeed(headersOfSpan(span))
    return Effect.makeSpanScoped("AgentStream.stream", {
      kind: "client",
      attributes: { instanceId: request.instance.instance_id }
    }).pipe(Effect.withTracerEnabled(true), Effect.map(headersOfSpan))
  })

/** The headers without one, whose name may be in upper case. */
const withoutHeader = (headers: Readonly<Record<string, unknown>>, name: string | null): Headers =>
  Record.filter(
    headers,
    (value, header): value is string => typeof value === "string" && header !== name?.toLowerCase()
  )

/** A server may send a few informational responses (1xx) before its answer. */
const maxInformational = 16

class TooManyInformational extends Error {}

/** Counts the informational responses to one request. The error aborts the request. */
const countInformational = (): (() => void) => {
  let count = 0
  return () => {
    if (++count > maxInformational) throw new TooManyInformational()
  }
}

/** The refusal of an agent that sent no response. */
const ofNoResponse = (error: HttpClientError.HttpClientError): AgentRefused => {
  if ("cause" in error.reason && error.reason.cause instanceof TooManyInformational) {
    return new AgentRefused({ reason: "the agent sent too many informational responses" })
  }
  const code = AgentRefusals.codeOf(error)
  return AgentRefusals.refusedWith(`the agent could not be reached${code === undefined ? "" : ` (${code})`}`, 0, code)
}

/** How often an answer is recorded at least, in milliseconds: another process may have recorded failures before it. */
const answerInterval = 60_000

/** The maximum number of instances whose last recorded answer is known. */
const maxKnown = 10_000

/**
 * Makes the function that records what becomes of the answers of instances: each failure, the first answer after one, and of other
 * answers one a minute. Nothing is recorded of an answer whose reader leaves.
 */
export const recording = (record: AgentFailures["Service"]["record"]) => {
  const answeredAt = new Map<string, number>()
  return <A>(instanceId: string, events: Stream.Stream<A, AgentError>): Stream.Stream<A, AgentError> =>
    events.pipe(
      Stream.onEnd(
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          if (now - (answeredAt.get(instanceId) ?? Number.NEGATIVE_INFINITY) < answerInterval) return Effect.void
          if (answeredAt.size >= maxKnown) answeredAt.clear()
          answeredAt.set(instanceId, now)
          return record(instanceId, { _tag: "Answered" })
        })
      ),
      Stream.tapError((error) => {
        answeredAt.delete(instanceId)
        return record(instanceId, failed(error))
      })
    )
}

/**
 * The live layer. An agent that was set over the owner API is reached only on the public internet. A dispatcher follows no
 * redirects, and reuses the connection of a response that was read to its end.
 */
export const layer = (options: Options): Layer.Layer<AgentStream, never, NodeHttpClient.Dispatcher> =>
  Layer.effect(
    AgentStream,
    Effect.gen(function* () {
      const outward = { allowed: [], names: yield* OutwardNames.OutwardNames }
      const unguarded = yield* NodeHttpClient.makeUndici
      const guarded = yield* Effect.provideServiceEffect(
        NodeHttpClient.makeUndici,
        NodeHttpClient.Dispatcher,
        NodeHttpClient.makeDispatcherOptions({ connect: OutwardConnector.make(outward) })
      )
      const fork = yield* FiberSet.makeRuntime()
      const timeout = Duration.toMillis(Duration.fromInputUnsafe(options.timeout))

      const headersOfKey = (
        { agent_key_header: agentKeyHeader, agent_protocol: agentProtocol }: Instance.Instance,
        key: string
      ): Headers => (agentKeyHeader === null ? protocols[agentProtocol].keyHeaders(key) : { [agentKeyHeader]: key })

      /** What the instance adds to a request. */
      const additionsOf = (
        { instance_id: instanceId }: Instance.Instance,
        kind: SealedAdditions.Kind,
        additions: Instance.Additions | null
      ): Effect.Effect<Readonly<Record<string, unknown>>, AgentRefused> => {
        if (additions === null) return noAdditions
        const opened = Option.flatMap(options.secretsKey, (secret) =>
          SealedAdditions.open(Redacted.value(secret), instanceId, kind, additions)
        )
        return Option.isSome(opened)
          ? Effect.succeed(opened.value)
          : Effect.fail(
              new AgentRefused({
                reason: `SECRETS_KEY does not decrypt the additional ${kind === "body" ? "fields" : "headers"}`,
                isKeyLocked: true
              })
            )
      }

      const keyHeaders = (instance: Instance.Instance): Effect.Effect<Headers, AgentRefused> => {
        const { agent_key: agentKey, agent_key_env: agentKeyEnv, instance_id: instanceId } = instance
        if (agentKey !== null) {
          return Option.match(
            Option.flatMap(options.secretsKey, (secret) => Sealing.open(Redacted.value(secret), instanceId, agentKey)),
            {
              onNone: () =>
                Effect.fail(
                  new AgentRefused({ reason: "SECRETS_KEY does not decrypt the agent's key", isKeyLocked: true })
                ),
              onSome: (key) => Effect.succeed(headersOfKey(instance, key))
            }
          )
        }
        if (agentKeyEnv === null) return noHeaders
        return Effect.flatMap(options.keyOf(agentKeyEnv), (key) => {
          if (Option.isSome(key)) return Effect.succeed(headersOfKey(instance, Redacted.value(key.value)))
          const reason = `the variable ${agentKeyEnv}, which holds the agent's key, is not set`
          return Effect.fail(new AgentRefused({ reason, missingKey: agentKeyEnv }))
        })
      }

      /** Looks up the host of an agent that an owner set. */
      const requireAddress = (
        { instance_id: instanceId, guarded: isGuarded, website_config_id: websiteConfigId }: Instance.Instance,
        url: URL
      ) =>
        isGuarded
          ? Effect.mapError(
              OutwardConnector.requireAddress(outward, websiteConfigId ?? instanceId, url),
              ({ code }) => new AgentRefused({ reason: `the agent could not be reached (${code})`, code })
            )
          : Effect.void

      /** Sends a request, and another one in place of it if its refusal calls for that. */
      const send: (
        url: URL,
        headers: Headers,
        fields: Readonly<Record<string, unknown>>,
        request: AgentRequest,
        isAgain?: boolean
      ) => Effect.Effect<HttpClientResponse.HttpClientResponse, AgentError> = Effect.fnUntraced(function* (
        url,
        headers,
        fields,
        request,
        isAgain = false
      ) {
        const client = request.instance.guarded ? guarded : unguarded
        const body = JSON.stringify({ ...fields, ...bodyOf(request) })
        const response = yield* HttpClientRequest.post(url, { headers }).pipe(
          HttpClientRequest.bodyText(body, "application/json"),
          client.execute,
          Effect.provideService(NodeHttpClient.UndiciOptions, { onInfo: countInformational() }),
          // The span of the answer lasts until the answer's end.
          Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
          Effect.mapError(ofNoResponse),
          Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(new AgentTimeout()) })
        )
        if (response.status <= 299) return response
        const { isWhole, text } = yield* AgentResponse.readRefusal(response, timeout)
        const other = isWhole && !isAgain ? AgentRefusals.alternative(request, response.status, text) : null
        if (other !== null) return yield* send(url, headers, fields, other, true)
        return yield* Effect.fail(
          AgentRefusals.refusalOf(response.status, response.headers, Protocol.errorCodeIn(text))
        )
      })

      const open = Effect.fnUntraced(function* (request: AgentRequest) {
        const {
          agent_body: agentBody,
          agent_headers: agentHeaders,
          agent_key_header: agentKeyHeader,
          agent_protocol: agentProtocol,
          agent_url: agentUrl
        } = request.instance
        const protocol = protocols[agentProtocol]
        const endpoint = endpointOf(agentUrl, protocol.path)
        if (Option.isNone(endpoint)) {
          return yield* new AgentRefused({ reason: "the agent's URL is not an http or https URL" })
        }
        const key = yield* keyHeaders(request.instance)
        const additional = yield* additionsOf(request.instance, "headers", agentHeaders)
        const fields = yield* additionsOf(request.instance, "body", agentBody)
        const trace = yield* traceHeaders(request)
        const own = { ...commonHeaders, ...protocol.headers(request), ...key, ...trace }
        const headers = { ...withoutHeader(additional, agentKeyHeader), ...own }
        yield* requireAddress(request.instance, endpoint.value)
        const response = yield* send(endpoint.value, headers, fields, request)
        return yield* AgentResponse.read(response, { protocol, timeout, fork })
      })

      const recorded = recording(options.record ?? (() => Effect.void))
      const stream: AgentStream["Service"]["stream"] = (request) =>
        recorded(request.instance.instance_id, Stream.unwrap(open(request)))
      const limited: ReturnType<typeof TokenBudget.limiting> =
        options.budget === undefined ? stream : TokenBudget.limiting(options.budget, stream)
      return AgentStream.of({
        stream: (request) => {
          const { daily_tokens: dailyTokens } = request.instance
          return dailyTokens === null ? stream(request) : limited(request, dailyTokens)
        }
      })
    })
  ).pipe(Layer.provide(options.names ?? OutwardNames.layer))
