/**
 * Serves content that does not change while the process runs. The content is compressed once and sent in the client's preferred
 * coding. A client that already has the content gets a 304.
 *
 * @module
 */
import { Duration, Effect, Exit } from "effect"
import { HttpServerResponse } from "effect/http"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import type { Compressed } from "./Compression.ts"
import * as Negotiation from "./Negotiation.ts"

/** How long a failure is kept, so that a cause that lasts does not cost every request a run. */
const retryInterval = Duration.minutes(1)

/**
 * Runs `making` once, at the first use. If it fails, a use after `retryInterval` runs it again. The run is uninterruptible: if
 * it ended when its client disconnects, the next client would have to start it again, and the memory of an interrupted run is
 * released only when the process ends.
 */
export const once = <A, E, R>(making: Effect.Effect<A, E, R>): Effect.Effect<Effect.Effect<A, E, R>> =>
  Effect.map(
    Effect.cachedWithTTL(making, (exit) => (Exit.isSuccess(exit) ? Duration.infinity : retryInterval)),
    Effect.uninterruptible
  )

const unreadable = ErrorResponses.refusal(503, "This file could not be read. See the service's log.", {
  "retry-after": "60",
  "cache-control": "no-store"
})

/** Reads built files (`Built`) once, at the first use. A failure is logged; its error is the response to the request. */
export const built = <A>(
  what: string,
  read: () => Promise<A>
): Effect.Effect<Effect.Effect<A, HttpServerResponse.HttpServerResponse>> =>
  Effect.tryPromise(read).pipe(
    Effect.tapError(({ cause }) =>
      Effect.annotateLogs(
        Effect.logError(`${what} could not be read; requests get a 503`),
        "reason",
        cause instanceof Error ? cause.message : String(cause)
      )
    ),
    Effect.mapError(() => unreadable),
    once
  )

/** The response to a request, by its `Accept-Encoding` and `If-None-Match`. Pure. */
export const respond = (
  content: Compressed,
  request: { readonly acceptEncoding: string | undefined; readonly ifNoneMatch: string | undefined },
  options: { readonly contentType: string; readonly headers: Readonly<Record<string, string>> }
): HttpServerResponse.HttpServerResponse => {
  const coding = Negotiation.coding(request.acceptEncoding)
  const etag = `"${content.hash}${coding === "identity" ? "" : `-${coding}`}"`
  const headers = {
    etag,
    vary: "Accept-Encoding",
    ...options.headers,
    ...(coding === "identity" ? {} : { "content-encoding": coding })
  }
  return Negotiation.matchesEtag(request.ifNoneMatch, etag)
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.uint8Array(content.bytes[coding], { contentType: options.contentType, headers })
}
