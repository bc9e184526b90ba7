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
 * No credentials are allowed, so any origin may be. Whatever header a preflight asks for is allowed: websites carry
 * libraries that add fields to every request, and none of them means anything here.
 */
export const middleware = HttpMiddleware.cors({
  allowedMethods: ["GET", "HEAD", "POST"],
  exposedHeaders,
  maxAge: aDay
})
