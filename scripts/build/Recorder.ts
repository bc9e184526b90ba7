/**
 * Takes the place of `http/assets/Esbuild.ts` while `scripts/build.ts` runs: bundles as that module does, and records the
 * results.
 *
 * @module
 */
import * as esbuild from "esbuild"
import { type EntryPoints, keyOf, type Recording } from "./Recording.ts"

const recordings = new Map<string, Recording>()
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

/** Everything that was bundled so far. */
export const recorded = (): Readonly<Record<string, Recording>> => Object.fromEntries(recordings)

/** The files whose code the results hold, relative to the current directory. */
export const usedFiles = (): ReadonlyArray<string> => [...inputs]
