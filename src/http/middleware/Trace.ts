/**
 * A span for each request, where traces are collected: its method, its route and its status. The platform's own span would
 * also hold the client's address, every header (widget tokens among them), the query and the user agent; it is off.
 *
 * @module
 */
import { Context, Effect, Layer, Tracer } from "effect"
import { HttpMiddleware, HttpServerRequest, type HttpServerResponse } from "effect/http"

/** No request has the platform's own span. */
export const withoutPlatformSpans: Layer.Layer<never> = Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true)

/** Middleware around the whole application. The router adds the route to the span. */
export const middleware = <E, R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
  Effect.withFiber((fiber) => {
    // Where nobody collects spans, none is made.
    if (fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer) return app
    const { method } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
    return app.pipe(
      Effect.tap(({ status }) => Effect.annotateCurrentSpan("http.response.status_code", status)),
      Effect.withSpan(`http.server ${method}`, {
        kind: "server",
        root: true,
        attributes: { "http.request.method": method }
      })
    )
  })
