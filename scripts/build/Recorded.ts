/**
 * Takes the place of `pages/Esbuild.ts` in the archive: gives what `Recorder.ts` recorded. In the archive, this module has
 * the `import.meta.url` of the module that it replaces.
 *
 * @module
 */
import { readFile } from "node:fs/promises"
import * as Compression from "../../src/pages/Compression.ts"
import { type EntryPoints, hashOf, keyOf, type Recordings } from "./Recording.ts"

const root = new URL("../", import.meta.url)

let recordings: Promise<Recordings> | undefined

const load = (): Promise<Recordings> => {
  recordings ??= readFile(new URL("browser.json", root), "utf8").then((text) => JSON.parse(text))
  return recordings
}

export const build = async ({ entryPoints }: { readonly entryPoints: EntryPoints }) => {
  const key = keyOf(entryPoints, root)
  const recording = (await load()).bundles[key]
  if (recording === undefined) throw new Error(`${key} was not bundled by npm run build.`)
  return {
    metafile: { outputs: recording.outputs },
    outputFiles: recording.files.map(({ path, text }) => ({ path, text, contents: new TextEncoder().encode(text) }))
  }
}

export const compress = async (content: Uint8Array, quality: number): Promise<Compression.Codings> => {
  const compressed = (await load()).compressions[hashOf(content)]
  return compressed === undefined
    ? Compression.compress(content, quality)
    : { br: Buffer.from(compressed.br, "base64"), gzip: Buffer.from(compressed.gzip, "base64") }
}

export const stop = (): Promise<void> => Promise.resolve()
