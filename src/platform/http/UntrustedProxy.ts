/**
 * Detects a reverse proxy that `TRUSTED_PROXIES` does not name. Its `X-Forwarded-For` is ignored, so all visitors behind it
 * share one rate limit, and those with the same user agent share one visitor hash.
 *
 * @module
 */
import type { Server } from "node:http"
import { Effect, Latch, type Scope } from "effect"
import * as Metrics from "../telemetry/Metrics.ts"

/** Exported for tests. */
export const warning =
  "A request has X-Forwarded-For, and its sender is not in TRUSTED_PROXIES. If the sender is your reverse proxy, all visitors behind it share one rate limit: add its network to TRUSTED_PROXIES. This is logged once."

/** Counts the requests with an ignored `X-Forwarded-For`, and logs the first without its address, which may be a visitor's. */
export const watch = Effect.fnUntraced(function* (
  server: Server,
  isTrusted: (peer: string) => boolean
): Effect.fn.Return<void, never, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const metric = Metrics.untrustedForwarded({})
  metric.updateUnsafe(0, context)
  const isFound = Latch.makeUnsafe(false)
  yield* Effect.forkScoped(Effect.andThen(isFound.await, Effect.logWarning(warning)))
  server.on("request", ({ headers, socket }) => {
    if (headers["x-forwarded-for"] === undefined) return
    const { remoteAddress } = socket
    // The address of a sender that reset its connection early is unknown.
    if (remoteAddress === undefined || isTrusted(remoteAddress)) return
    metric.updateUnsafe(1, context)
    isFound.openUnsafe()
  })
})
