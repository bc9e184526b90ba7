/**
 * Takes the place of `pages/Esbuild.ts` while `scripts/build.ts` runs: bundles and compresses as that module does, and
 * records the results.
 *
 * @module
 */
import * as esbuild from "esbuild"
import * as Compression from "../../src/pages/Compression.ts"
import { type EntryPoints, hashOf, keyOf, type Recording, type Recordings } from "./Recording.ts"

const recordings = new Map<string, Recording>()
const compressions = new Map<string, Recordings["compressions"][string]>()
const inputs = new Set<string>()

export const stop = esbuild.stop

export const build = async (options: esbuild.BuildOptions & { readonly write: false }) => {
  const result = await esbuild.build({ ...options, metafile: true })
  for (const input of Object.keys(result.metafile.inputs)) inputs.add(input)
  const key = keyOf(options.entryPoints as EntryPoints, new URL("../../src/", import.meta.url))
  recordings.set(key, {
    files: result.outputFiles.map(({ path, text }) => ({ path, text })),
    outputs: options.metafile === true ? result.metafile.outputs : undefined
  })
  return result
}

export const compress = async (content: Uint8Array, quality: number): Promise<Compression.Codings> => {
  const codings = await Compression.compress(content, quality)
  const [br, gzip] = [codings.br, codings.gzip].map((bytes) => Buffer.from(bytes).toString("base64")) as [
    string,
    string
  ]
  compressions.set(hashOf(content), { br, gzip })
  return codings
}

/** Everything that was bundled and compressed so far. */
export const recorded = (): Recordings => ({
  bundles: Object.fromEntries(recordings),
  compressions: Object.fromEntries(compressions)
})

/** The files whose code the results hold, relative to the current directory. */
export const usedFiles = (): ReadonlyArray<string> => [...inputs]
