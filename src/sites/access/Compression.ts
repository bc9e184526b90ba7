/**
 * Compresses the answers of the owner API that can be large: lists of websites, and reports.
 *
 * No other answers are compressed, because the length of a compressed answer tells whether its texts repeat each other: somebody
 * who submits forms and sees the lengths of the answers on their way could guess what other visitors sent, or a secret.
 *
 * @module
 */
import { Context, Effect } from "effect"
import { HttpMiddleware, HttpPlatform, HttpRouter, HttpServerRequest } from "effect/http"

const paths = new Set(["/v1/owner/sites", "/v1/owner/query", "/v1/owner/shared/query"])

// In Node's thread pool, so that visitors' requests do not wait.
const compress = HttpMiddleware.compression({ algorithms: ["gzip"] })

export const layer = HttpRouter.middleware(
  Effect.map(HttpPlatform.HttpPlatform, (platform) => (app) => {
    const compressed = Effect.provideService(compress(app), HttpPlatform.HttpPlatform, platform)
    return Effect.withFiber((fiber) => {
      const { url } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      return paths.has(url.split("?", 1)[0] ?? "") ? compressed : app
    })
  })
).layer
