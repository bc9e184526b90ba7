/**
 * Takes the place of `http/assets/Esbuild.ts` while `scripts/build.ts` runs: bundles as that module does, and records the
 * results.
 *
 * @module
 */
import * as esbuild from "esbuild"
import { keyOf, type Recording } from "./Recording.ts"

const recordings = new Map<string, Recording>()
const inputs = new Set<string>()

export const stop = esbuild.stop

export const build = async (options: esbuild.BuildOptions & { readonly write: false }) => {
  const result = await esbuild.build({ ...options, metafile: true })
  for (const input of Object.keys(result.metafile.inputs)) inputs.add(input)
  recordings.set(
    keyOf(options.entryPoints as ReadonlyArray<string>, new URL("../../src/", import.meta.url)),
    result.outputFiles.map(({ path, text }) => ({ path, text }))
  )
  return result
}

/** Everything that was bundled so far. */
export const recorded = (): Readonly<Record<string, Recording>> => Object.fromEntries(recordings)

/** The files whose code the results hold, relative to the current directory. */
export const usedFiles = (): ReadonlyArray<string> => [...inputs]
