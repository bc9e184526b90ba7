/**
 * Compresses content in the codings that browsers accept, in other threads.
 *
 * @module
 */
import { promisify } from "node:util"
import { brotliCompress, constants, gzip } from "node:zlib"

/** Content in each coding. */
export interface Codings {
  readonly br: Uint8Array
  readonly gzip: Uint8Array
}

const brotli = promisify(brotliCompress)
const gzipped = promisify(gzip)

/** `quality` is Brotli's, 0 to 11: 11 takes seconds for a few megabytes. */
export const compress = async (content: Uint8Array, quality: number): Promise<Codings> => {
  const [br, gz] = await Promise.all([
    brotli(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
    }),
    gzipped(content, { level: constants.Z_BEST_COMPRESSION })
  ])
  return { br, gzip: gz }
}
