/**
 * Asks any OpenAI-compatible runtime over HTTP and reads its answer as it comes.
 *
 * @module
 */
import { Dispatcher } from "@effect/platform-node/NodeHttpClient"
import { Channel, Duration, Effect, Layer, Option, Redacted, Scope, Stream, type Tracer } from "effect"
import type { AgentRequest } from "../core/chat/Agent.ts"
import { memoize } from "../core/data/Memo.ts"
import * as DeadlineScheduler from "../runtime/DeadlineScheduler.ts"
import { AgentRefused, AgentStream } from "../services/chat/AgentStream.ts"
import * as Completion from "./Completion.ts"
import { Exchange } from "./Exchange.ts"

export interface Options {
  /** How long the agent may be silent: before its headers come, and between any two events of its stream. */
  readonly timeout: Duration.Input
  /** The bearer key in an environment variable; none if it is not set. */
  readonly keyOf: (variable: string) => Effect.Effect<Option.Option<Redacted.Redacted>>
}

type Headers = Readonly<Record<string, string>>

const plain = { accept: "text/event-stream", "content-type": "application/json" }
const none = Effect.succeed({})

const refused = (reason: string) => Effect.fail(new AgentRefused({ reason }))

/** Where an agent's completions are asked, in the dispatcher's words. */
interface Address {
  readonly origin: string
  readonly path: string
}

/** How many agents' addresses are remembered: a process talks to a few, again and again. */
const addresses = 1_000

const addressOf = memoize(
  (agentUrl): Option.Option<Address> =>
    Option.map(Completion.endpoint(agentUrl), (url) => ({ origin: url.origin, path: url.pathname + url.search })),
  addresses
)

/** W3C Trace Context. */
const toHeaders = ({ sampled, spanId, traceId }: Tracer.AnySpan): Headers => ({
  traceparent: `00-${traceId.padStart(32, "0")}-${spanId}-${sampled ? "01" : "00"}`
})

/** Passes the request's trace on to the agent, with a span for as long as the scope is open if the trace is sampled. */
const traced = (request: AgentRequest): Effect.Effect<Headers, never, Scope.Scope> =>
  Effect.withFiber(({ cache: { span } }) => {
    if (span === undefined) return none
    if (!span.sampled) return Effect.succeed(toHeaders(span))
    return Effect.makeSpanScoped("AgentStream.stream", {
      kind: "client",
      attributes: { instanceId: request.instance.instanceId }
    }).pipe(Effect.withTracerEnabled(true), Effect.map(toHeaders))
  })

/** Outside of `open`, so that it holds on to nothing but the exchange. */
const leaveWith = (exchange: Exchange, scope: Scope.Scope) =>
  Scope.addFinalizer(
    scope,
    Effect.sync(() => exchange.leave())
  )

/**
 * The live layer. A dispatcher does not follow redirects, and keeps a connection for the next request if an answer was
 * read to its end.
 */
export const layer = (options: Options): Layer.Layer<AgentStream, never, Dispatcher> =>
  Layer.effect(
    AgentStream,
    Effect.gen(function* () {
      const dispatcher = yield* Dispatcher
      const alarms = yield* DeadlineScheduler.make
      const timeout = Duration.toMillis(Duration.fromInputUnsafe(options.timeout))

      const authorization = (variable: string | null): Effect.Effect<Headers, AgentRefused> =>
        variable === null
          ? none
          : Effect.flatMap(options.keyOf(variable), (key) =>
              Option.isNone(key)
                ? refused(`the variable ${variable}, which holds the agent's key, is not set`)
                : Effect.succeed({ authorization: `Bearer ${Redacted.value(key.value)}` })
            )

      const dispatch = (address: Address, headers: Headers, request: AgentRequest) => {
        const exchange = new Exchange(alarms, timeout)
        dispatcher.dispatch(
          {
            ...address,
            method: "POST",
            headers,
            body: JSON.stringify(Completion.body(request)),
            // How long it may take is ours to say.
            headersTimeout: 0,
            bodyTimeout: 0
          },
          exchange
        )
        return exchange
      }

      /** A chat waits for its first word as long as this takes, and it runs too seldom to be fast: few steps, no generator. */
      const open = (request: AgentRequest, scope: Scope.Scope) => {
        const address = addressOf(request.instance.agentUrl)
        if (Option.isNone(address)) return refused("the agent's address is no http or https address")
        return Effect.flatMap(authorization(request.instance.agentKeyEnv), (key) =>
          Effect.flatMap(Scope.provide(traced(request), scope), (trace) => {
            const exchange = dispatch(address.value, { ...plain, ...key, ...trace }, request)
            return Effect.as(leaveWith(exchange, scope), exchange.pull)
          })
        ).pipe(Effect.uninterruptible)
      }

      return AgentStream.of({
        // The exchange lives in the stream's scope: however the stream ends, it is left.
        stream: (request) => Stream.fromChannel(Channel.fromTransform((_, scope) => open(request, scope)))
      })
    })
  )
