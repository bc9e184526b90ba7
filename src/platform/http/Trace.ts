/**
 * Makes a span for each sampled request, with its method, route and status. The platform's span is disabled: it would also
 * hold the client's address, every header (including widget tokens), the query and the user agent.
 *
 * `References.TracerEnabled` is true only while one of our own spans is made. Otherwise libraries would add spans, such as one
 * for each SQL statement, whose errors quote values.
 *
 * @module
 */
import { IncomingMessage } from "node:http"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Clock, Context, Effect, Exit, Layer, Option, Random, Tracer } from "effect"
import { Headers, HttpMiddleware, HttpServerRequest, type HttpServerResponse, HttpTraceContext } from "effect/http"
import type { IpNetwork } from "effect/net"
import * as ClientAddress from "../limits/ClientAddress.ts"
import * as Routes from "./Routes.ts"

/** Disables the platform's span for every request. */
export const withoutPlatformSpans: Layer.Layer<never> = Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true)

export interface TraceDecision {
  /** The caller's span, if a trusted proxy sent it. */
  readonly parent: Tracer.ExternalSpan | undefined
  readonly isSampled: boolean
}

export interface Tracing {
  /** Returns the same decision for each call with the same request. */
  readonly decide: (request: IncomingMessage) => TraceDecision
}

export interface Options {
  /** The share of requests that start a trace, from 0 to 1. */
  readonly ratio: number
  /** The peers whose `traceparent` is used. That of any other client is ignored, because it could force sampling. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
}

/**
 * OpenTelemetry's parent-based ratio sampler: a request with a parent is sampled if its parent is; any other request with the
 * probability `ratio`. `random` is in [0, 1). Pure.
 */
export const isSampled = (ratio: number, parent: { readonly sampled: boolean } | undefined, random: number): boolean =>
  parent?.sampled ?? random < ratio

export const make = (options: Options): Effect.Effect<Tracing> =>
  Effect.map(Random.Random, (random) => {
    const isProxy = ClientAddress.makeIsProxy(options.trustedProxies)
    const parentOf = ({ headers, socket }: IncomingMessage): Tracer.ExternalSpan | undefined => {
      const { traceparent } = headers
      if (typeof traceparent !== "string" || !isProxy(socket.remoteAddress ?? "")) return undefined
      return Option.getOrUndefined(HttpTraceContext.w3c(Headers.fromRecordUnsafe({ traceparent })))
    }
    const decisions = new WeakMap<IncomingMessage, TraceDecision>()
    return {
      decide: (request) => {
        const previous = decisions.get(request)
        if (previous !== undefined) return previous
        const parent = parentOf(request)
        const decision = { parent, isSampled: isSampled(options.ratio, parent, random.nextDoubleUnsafe()) }
        decisions.set(request, decision)
        return decision
      }
    }
  })

/** The exit of a span: an interruption if no response was sent, a failure if the status is a server error. */
const exitOf = (headersSent: boolean, status: number): Exit.Exit<void, string> => {
  if (!headersSent) return Exit.interrupt()
  return status >= 500 ? Exit.fail(`HTTP ${status}`) : Exit.void
}

/** Middleware around the whole application. A span ends when the response is sent or the client disconnects. */
export const middleware =
  (tracing: Tracing, templates: ReadonlyArray<string>) =>
  <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> => {
    const routeOf = Routes.make(templates)
    const start = (method: string, route: string, parent: Tracer.AnySpan | undefined) =>
      Effect.makeSpan(route === Routes.other ? method : `${method} ${route}`, {
        kind: "server",
        sampled: true,
        ...(parent === undefined ? { root: true } : { parent }),
        attributes: { "http.request.method": method, ...(route === Routes.other ? {} : { "http.route": route }) }
      }).pipe(Effect.withTracerEnabled(true))
    return Effect.withFiber((fiber) => {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      if (!(request.source instanceof IncomingMessage)) return app
      const { isSampled, parent } = tracing.decide(request.source)
      if (!isSampled) return parent === undefined ? app : Effect.provideService(app, Tracer.ParentSpan, parent)
      const response = NodeHttpServerRequest.toServerResponse(request)
      if (response.destroyed) return app
      const clock = fiber.getRef(Clock.Clock)
      return Effect.flatMap(start(Routes.methodOf(request.method), routeOf(request.url), parent), (span) => {
        response.once("close", () => {
          if (response.headersSent) span.attribute("http.response.status_code", response.statusCode)
          span.end(clock.currentTimeNanosUnsafe(), exitOf(response.headersSent, response.statusCode))
        })
        return Effect.provideService(app, Tracer.ParentSpan, span)
      })
    })
  }
