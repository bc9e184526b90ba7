/**
 * Lets a published website on any origin call the endpoints and read what their answers tell.
 *
 * @module
 */
import { HttpMiddleware } from "effect/http"

/** The fields of answers that a browser may read, on errors too. */
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

const aDay = 86_400

/** What the middleware adds to every answer but a preflight's. */
export const answerHeaders = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": exposedHeaders.join(",")
}

/**
 * The header fields that a request may have: all. Websites carry libraries that add fields to every request, and none of
 * them means anything here. `*` does not cover Authorization, nor what a browser that does not know it sends; the latter
 * are the fields that have a meaning here or that an SDK for agents adds.
 */
const allowedHeaders = "*, Authorization, Content-Type, Idempotency-Key, X-Widget-Token, X-HydraCore-Session"

/** No credentials are allowed, so any origin may be. A preflight's answer repeats nothing of its request. */
export const middleware = HttpMiddleware.cors({
  allowedMethods: ["GET", "HEAD", "POST"],
  allowedHeaders: [allowedHeaders],
  exposedHeaders,
  maxAge: aDay
})
