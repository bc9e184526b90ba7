/**
 * Serves content that does not change while the process runs. The content is compressed once and sent in the client's preferred
 * coding. A client that already has the content gets a 304.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { Duration, Effect, Exit } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Negotiation from "../platform/http/Negotiation.ts"
import * as Compression from "./Compression.ts"

export interface Compressed {
  /** The first hexadecimal digits of the content's SHA-256, which identify the version. */
  readonly hash: string
  /** The content in each coding. */
  readonly bytes: Readonly<Record<Negotiation.Coding, Uint8Array>>
}

/** The length of a hash; short, because the tracker contains hashes of other files. */
const hashDigits = 8

/** Compresses content. `compress` is `Esbuild.compress` for the files that `npm run build` compresses in advance. */
export const make = async (
  identity: Uint8Array,
  quality: number,
  compress: typeof Compression.compress = Compression.compress
): Promise<Compressed> => ({
  hash: createHash("sha256").update(identity).digest("hex").slice(0, hashDigits),
  bytes: { identity, ...(await compress(identity, quality)) }
})

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
