/**
 * Lets websites on any origin call the endpoints and read the exposed response headers.
 *
 * @module
 */
import { HttpMiddleware } from "effect/http"

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
  "X-HydraCore-Decision"
]

/** One day, in seconds. */
const maxAge = 86_400

/** The headers that the middleware adds to every response except a preflight's. */
export const answerHeaders = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": exposedHeaders.join(",")
}

/**
 * Allows all request headers, because libraries on websites add headers to every request. `*` does not cover
 * `Authorization`, and old browsers do not know it, so the headers that the service or an agent SDK uses are listed too.
 */
const allowedHeaders = "*, Authorization, Content-Type, Idempotency-Key, X-Widget-Token, X-HydraCore-Session"

/** Any origin is allowed, because credentials are not. A preflight response echoes nothing of its request. */
export const middleware = HttpMiddleware.cors({
  allowedMethods: ["GET", "HEAD", "POST"],
  allowedHeaders: [allowedHeaders],
  exposedHeaders,
  maxAge
})
