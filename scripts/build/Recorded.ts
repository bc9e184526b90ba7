/**
 * Takes the place of `http/assets/Esbuild.ts` in the archive: gives what `Recorder.ts` recorded. The build treats this module
 * as if it stood where the replaced one stands.
 *
 * @module
 */
import { readFile } from "node:fs/promises"
import { type EntryPoints, keyOf, type Recording } from "./Recording.ts"

const root = new URL("../../", import.meta.url)

let recordings: Promise<Readonly<Record<string, Recording>>> | undefined

const load = (): Promise<Readonly<Record<string, Recording>>> => {
  recordings ??= readFile(new URL("browser.json", root), "utf8").then((text) => JSON.parse(text))
  return recordings
}

export const build = async ({ entryPoints }: { readonly entryPoints: EntryPoints }) => {
  const key = keyOf(entryPoints, root)
  const recording = (await load())[key]
  if (recording === undefined) throw new Error(`${key} was not bundled by npm run build.`)
  return {
    metafile: { outputs: recording.outputs },
    outputFiles: recording.files.map(({ path, text }) => ({ path, text, contents: new TextEncoder().encode(text) }))
  }
}

export const stop = (): Promise<void> => Promise.resolve()
