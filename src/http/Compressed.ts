/**
 * Content that does not change while a process lives, compressed once, and the answer that gives it: in the coding that the
 * client likes best, and not at all to one that has it.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { promisify } from "node:util"
import { brotliCompress, constants, gzip } from "node:zlib"
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Negotiation from "../core/Negotiation.ts"

export interface Compressed {
  /** The beginning of the SHA-256 of its bytes, in hexadecimal: it names the version. */
  readonly hash: string
  /** Its bytes in each coding. */
  readonly bytes: Readonly<Record<Negotiation.Coding, Uint8Array>>
}

/** Digits of a hash in a file's name: few, since the tracker carries one. */
const digits = 8

const brotli = promisify(brotliCompress)
const gzipped = promisify(gzip)

/** Compresses, in other threads. `quality` is brotli's, 0 to 11: the best takes seconds for some megabytes. */
export const make = async (identity: Uint8Array, quality: number): Promise<Compressed> => {
  const [br, gz] = await Promise.all([
    brotli(identity, {
      params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: identity.length }
    }),
    gzipped(identity, { level: constants.Z_BEST_COMPRESSION })
  ])
  return {
    hash: createHash("sha256").update(identity).digest("hex").slice(0, digits),
    bytes: { identity, br, gzip: gz }
  }
}

/**
 * What is made when it is first asked for, once: whoever asks waits for it, also who has gone meanwhile. It would otherwise
 * be begun anew for each client that does not wait, and what was begun is only let go of when the process ends.
 */
export const once = <A, E, R>(making: Effect.Effect<A, E, R>): Effect.Effect<Effect.Effect<A, E, R>> =>
  Effect.map(Effect.cached(making), Effect.uninterruptible)

/** The answer to a request for it, by what the request's head says. Pure. */
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
  return Negotiation.isKnown(request.ifNoneMatch, etag)
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.uint8Array(content.bytes[coding], { contentType: options.contentType, headers })
}
