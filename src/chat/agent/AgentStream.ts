/**
 * Sends requests to agents over HTTP, in any of the protocols of `Protocols.ts`, and streams their answers.
 *
 * @module
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Channel, Duration, Effect, Layer, Option, Record, Redacted, Scope, Stream, type Tracer } from "effect"
import type { AgentRequest } from "../../core/chat/agent/Agent.ts"
import * as ContextWindow from "../../core/chat/agent/ContextWindow.ts"
import type * as Instance from "../../core/chat/Instance.ts"
import * as SealedAdditions from "../../core/chat/SealedAdditions.ts"
import { memoize } from "../../core/data/Memo.ts"
import * as Sealing from "../../core/delivery/Sealing.ts"
import * as DeadlineScheduler from "../../runtime/DeadlineScheduler.ts"
import * as OutwardConnector from "../../runtime/OutwardConnector.ts"
import * as OutwardNames from "../../runtime/OutwardNames.ts"
import { AgentRefused, AgentStream } from "../../services/chat/AgentStream.ts"
import { AgentResponse } from "./AgentResponse.ts"
import * as Endpoint from "./Endpoint.ts"
import { protocols } from "./Protocols.ts"

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
}

type Headers = Readonly<Record<string, string>>

const commonHeaders = { accept: "text/event-stream", "content-type": "application/json" }
const noHeaders = Effect.succeed({})
const noAdditions = Effect.succeed<Readonly<Record<string, unknown>>>({})

/** The URL of an endpoint in the parts that the dispatcher requires. */
interface UrlParts {
  readonly origin: string
  readonly path: string
}

/** The maximum number of cached endpoints per protocol: a process uses few agents. */
const maxEndpoints = 1000

const endpointOf = Record.map(protocols, ({ path }) =>
  memoize(
    (agentUrl): Option.Option<UrlParts> =>
      Option.map(Endpoint.of(agentUrl, path), (url) => ({ origin: url.origin, path: url.pathname + url.search })),
    maxEndpoints
  )
)

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
      attributes: { instanceId: request.instance.instanceId }
    }).pipe(Effect.withTracerEnabled(true), Effect.map(headersOfSpan))
  })

/** The headers without one, whose name may be in upper case. */
const withoutHeader = (headers: Readonly<Record<string, unknown>>, name: string | null): Headers =>
  Record.filter(
    headers,
    (value, header): value is string => typeof value === "string" && header !== name?.toLowerCase()
  )

/** Whether a refusal is due to the option that requests the usage. Servers that refuse an option name it. */
const refusesUsageOption = (status: number, body: string): boolean =>
  (status === 400 || status === 422) && /stream_options|include_usage/.test(body)

/** The request to send after the agent refused `request`; null if the refusal is final. */
const alternative = (request: AgentRequest, status: number, body: string): AgentRequest | null => {
  if (refusesUsageOption(status, body)) return request.wantsUsage === true ? { ...request, wantsUsage: false } : null
  return ContextWindow.isTooLong(status, body) ? ContextWindow.halve(request) : null
}

/** Defined outside of `open`, so that the finalizer retains nothing but the response. */
const cancelWith = (response: AgentResponse, scope: Scope.Scope) =>
  Scope.addFinalizer(
    scope,
    Effect.sync(() => response.cancel())
  )

/**
 * The live layer. An agent that was set over the owner API is reached only on the public internet. A dispatcher follows no
 * redirects, and reuses the connection of a response that was read to its end.
 */
export const layer = (options: Options): Layer.Layer<AgentStream, never, NodeHttpClient.Dispatcher> =>
  Layer.effect(
    AgentStream,
    Effect.gen(function* () {
      const unguarded = yield* NodeHttpClient.Dispatcher
      const outward = { allowed: [], names: yield* OutwardNames.OutwardNames }
      const guarded = yield* NodeHttpClient.makeDispatcherOptions({ connect: OutwardConnector.make(outward) })
      const scheduler = yield* DeadlineScheduler.make
      const timeout = Duration.toMillis(Duration.fromInputUnsafe(options.timeout))

      const headersOfKey = ({ agentKeyHeader, agentProtocol }: Instance.Instance, key: string): Headers =>
        agentKeyHeader === null ? protocols[agentProtocol].keyHeaders(key) : { [agentKeyHeader]: key }

      /** What the instance adds to a request. */
      const additionsOf = (
        { instanceId }: Instance.Instance,
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
        const { agentKey, agentKeyEnv, instanceId } = instance
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

      /** Looks up the host of an agent that an owner set. Interruptible, because a name server may not answer. */
      const requireAddress = ({ instanceId, isGuarded, websiteConfigId }: Instance.Instance, origin: string) =>
        isGuarded
          ? OutwardConnector.requireAddress(outward, websiteConfigId ?? instanceId, new URL(origin)).pipe(
              Effect.mapError(
                ({ code }) => new AgentRefused({ reason: `the agent could not be reached (${code})`, code })
              ),
              Effect.interruptible
            )
          : Effect.void

      const dispatch = (
        endpoint: UrlParts,
        headers: Headers,
        additionalFields: Readonly<Record<string, unknown>>,
        request: AgentRequest
      ) => {
        const protocol = protocols[request.instance.agentProtocol]
        const dispatcher = request.instance.isGuarded ? guarded : unguarded
        const send = (request: AgentRequest) =>
          dispatcher.dispatch(
            {
              ...endpoint,
              method: "POST",
              headers,
              body: JSON.stringify({ ...additionalFields, ...protocol.body(request) }),
              // `AgentResponse` has its own timeouts.
              headersTimeout: 0,
              bodyTimeout: 0
            },
            response
          )
        const retry = (status: number, body: string) => {
          const other = alternative(request, status, body)
          return other === null ? undefined : () => void send(other)
        }
        const response: AgentResponse = new AgentResponse({ protocol, scheduler, timeout, retry })
        send(request)
        return response
      }

      /** Without a generator, for speed: every answer waits for this. */
      const open = (request: AgentRequest, scope: Scope.Scope) => {
        const { agentProtocol, agentUrl } = request.instance
        const endpoint = endpointOf[agentProtocol](agentUrl)
        if (Option.isNone(endpoint)) {
          return Effect.fail(new AgentRefused({ reason: "the agent's URL is not an http or https URL" }))
        }
        const { agentBody, agentHeaders, agentKeyHeader } = request.instance
        return Effect.flatMap(keyHeaders(request.instance), (key) =>
          Effect.flatMap(additionsOf(request.instance, "headers", agentHeaders), (additional) =>
            Effect.flatMap(additionsOf(request.instance, "body", agentBody), (fields) =>
              Effect.flatMap(Scope.provide(traceHeaders(request), scope), (trace) => {
                const own = { ...commonHeaders, ...protocols[agentProtocol].headers(request), ...key, ...trace }
                const headers = { ...withoutHeader(additional, agentKeyHeader), ...own }
                return Effect.flatMap(requireAddress(request.instance, endpoint.value.origin), () => {
                  const response = dispatch(endpoint.value, headers, fields, request)
                  return Effect.as(cancelWith(response, scope), response.pull)
                })
              })
            )
          )
        ).pipe(Effect.uninterruptible)
      }

      return AgentStream.of({
        // The stream's scope owns the response, which is cancelled however the stream ends.
        stream: (request) => Stream.fromChannel(Channel.fromTransform((_, scope) => open(request, scope)))
      })
    })
  ).pipe(Layer.provide(options.names ?? OutwardNames.layer))
