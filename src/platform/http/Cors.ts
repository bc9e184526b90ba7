/**
 * Lets pages of any origin call the endpoints, except those of the owner API, and read the exposed response headers.
 *
 * @module
 */
import { Context, Effect } from "effect"
import { HttpEffect, HttpMiddleware, HttpServerRequest, HttpServerResponse } from "effect/http"
import { ownerPrefix } from "./Routes.ts"

/** The response headers that a page may read, on errors too. */
const exposedHeaders = [
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "Content-Type",
  "Cache-Control",
  "X-Accel-Buffering",
  "X-Vercel-AI-UI-Message-Stream",
  "X-Error-Id",
  "X-HydraCore-Decision",
  "X-Should-Retry"
]

/** One day, in seconds. */
const maxAge = 86_400

/** The headers that the middleware adds to every response of the public API, except to a response to a preflight. */
export const answerHeaders = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": exposedHeaders.join(",")
}

/**
 * Allows all request headers, because libraries on websites add headers to every request. `*` does not cover
 * `Authorization`, and old browsers do not support `*`, so the headers that the service or an agent SDK uses are listed too.
 */
const allowedHeaders =
  "*, Authorization, Content-Type, Idempotency-Key, X-Widget-Token, X-HydraCore-Leads, X-HydraCore-Session"

const cors = HttpMiddleware.cors({
  allowedMethods: ["GET", "HEAD", "POST"],
  allowedHeaders: [allowedHeaders],
  exposedHeaders,
  maxAge
})

/** The platform computes the headers of every response anew, although they are always the same. */
const addAnswerHeaders: HttpEffect.PreResponseHandler = (_, response) =>
  Effect.succeed(HttpServerResponse.setHeaders(response, answerHeaders))

/**
 * Allowing any origin is safe, because responses do not allow credentials: no page can read a response to a request with cookies.
 * A preflight response echoes nothing of its request. The owner API has no CORS: no other website may read it.
 */
export const middleware = <E, R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> => {
  const preflight = cors(app)
  return Effect.withFiber((fiber) => {
    const { method, url } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
    if (url.startsWith(ownerPrefix)) return app
    if (method === "OPTIONS") return preflight
    HttpEffect.appendPreResponseHandlerUnsafe(fiber.context, addAnswerHeaders)
    return app
  })
}
