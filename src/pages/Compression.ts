/**
 * Content in the codings that browsers accept.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { promisify } from "node:util"
import { brotliCompress, constants, gzip } from "node:zlib"

export interface Compressed {
  /** The first hexadecimal digits of the content's SHA-256, which identify the version. */
  readonly hash: string
  /** The content in each coding. */
  readonly bytes: { readonly identity: Uint8Array; readonly br: Uint8Array; readonly gzip: Uint8Array }
}

/** The length of a hash; short, because the tracker contains hashes of other files. */
const hashDigits = 8

export const hashOf = (content: Uint8Array): string =>
  createHash("sha256").update(content).digest("hex").slice(0, hashDigits)

const brotli = promisify(brotliCompress)
const gzipped = promisify(gzip)

/** Compresses content, in other threads. `quality` is Brotli's, 0 to 11: 11 takes seconds for a few megabytes. */
export const compress = async (identity: Uint8Array, quality: number): Promise<Compressed> => {
  const [br, gz] = await Promise.all([
    brotli(identity, {
      params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: identity.length }
    }),
    gzipped(identity, { level: constants.Z_BEST_COMPRESSION })
  ])
  return { hash: hashOf(identity), bytes: { identity, br, gzip: gz } }
}
