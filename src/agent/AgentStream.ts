/**
 * Asks any OpenAI-compatible runtime over HTTP and reads its answer as it comes.
 *
 * @module
 */
import { Dispatcher } from "@effect/platform-node/NodeHttpClient"
import { Channel, Duration, Effect, Layer, Option, Redacted, Scope, Stream, Tracer } from "effect"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import type { AgentRequest } from "../core/Agent.ts"
import { AgentRefused, AgentStream } from "../services/AgentStream.ts"
import * as Alarms from "../services/Alarms.ts"
import * as Completion from "./Completion.ts"
import { Exchange } from "./Exchange.ts"

export interface Options {
  /** How long the agent may be silent: before its headers come, and between any two events of its stream. */
  readonly timeout: Duration.Input
  /** The bearer key in an environment variable; none if it is not set. */
  readonly keyOf: (variable: string) => Effect.Effect<Option.Option<Redacted.Redacted>>
}

const refused = (reason: string) => new AgentRefused({ reason })

/** A span for the exchange, for as long as the scope is open, and what tells the agent of it; nothing where nobody looks. */
const traced = (request: AgentRequest): Effect.Effect<Readonly<Record<string, string>>, never, Scope.Scope> =>
  Effect.flatMap(Tracer.Tracer, (tracer) =>
    tracer === Tracer.nativeTracer
      ? Effect.succeed({})
      : Effect.map(
          Effect.makeSpanScoped("AgentStream.stream", {
            kind: "client",
            attributes: { instanceId: request.instance.instanceId }
          }),
          HttpTraceContext.toHeaders
        )
  )

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
      const alarms = yield* Alarms.make
      const timeout = Duration.toMillis(Duration.fromInputUnsafe(options.timeout))

      const authorization = Effect.fnUntraced(function* (variable: string | null) {
        if (variable === null) return {}
        const key = yield* options.keyOf(variable)
        if (Option.isNone(key))
          return yield* refused(`the variable ${variable}, which holds the agent's key, is not set`)
        return { authorization: `Bearer ${Redacted.value(key.value)}` }
      })

      const dispatch = (url: URL, headers: Readonly<Record<string, string>>, request: AgentRequest) => {
        const exchange = new Exchange(alarms, timeout)
        dispatcher.dispatch(
          {
            origin: url.origin,
            path: url.pathname + url.search,
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

      const open = Effect.fnUntraced(function* (request: AgentRequest, scope: Scope.Scope) {
        const url = Completion.endpoint(request.instance.agentUrl)
        if (Option.isNone(url)) return yield* refused("the agent's address is no http or https address")
        const headers = {
          accept: "text/event-stream",
          "content-type": "application/json",
          ...(yield* authorization(request.instance.agentKeyEnv)),
          ...(yield* Scope.provide(traced(request), scope))
        }
        const exchange = dispatch(url.value, headers, request)
        yield* leaveWith(exchange, scope)
        return exchange.pull
      }, Effect.uninterruptible)

      return AgentStream.of({
        // The exchange lives in the stream's scope: however the stream ends, it is left.
        stream: (request) => Stream.fromChannel(Channel.fromTransform((_, scope) => open(request, scope)))
      })
    })
  )
