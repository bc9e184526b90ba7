/**
 * The files that `scripts/build` makes of `src/browser`, `src/console`, `src/demo/pages` and `src/docs`. The npm scripts that
 * start the service make them first, if their sources have changed.
 *
 * @module
 */
import { readdir, readFile } from "node:fs/promises"
import * as Compression from "./Compression.ts"

/** Defined in the program of `npm run build`, which has the files beside it. */
declare const ARCHIVE: true | undefined

const folder = new URL(typeof ARCHIVE === "undefined" ? "../../built/" : "../built/", import.meta.url)

/** Reads a text. `name` is relative to the folder of the built files. */
export const text = (name: string): Promise<string> => readFile(new URL(name, folder), "utf8")

/** The extensions of a file's codings. */
export const extensions = { identity: "", br: ".br", gzip: ".gz" } as const

/** Reads a file that the build has also compressed. */
export const compressed = async (name: string): Promise<Compression.Compressed> => {
  const [identity, br, gzip] = await Promise.all(
    [extensions.identity, extensions.br, extensions.gzip].map((extension) =>
      readFile(new URL(name + extension, folder))
    )
  )
  return { hash: Compression.hashOf(identity!), bytes: { identity: identity!, br: br!, gzip: gzip! } }
}

/** Reads the files of a folder that the build has also compressed, by their names. */
export const allCompressed = async (directory: string): Promise<ReadonlyMap<string, Compression.Compressed>> => {
  const names = (await readdir(new URL(directory, folder))).filter((name) => !/\.(?:br|gz)$/.test(name))
  return new Map(
    await Promise.all(names.map(async (name) => [name, await compressed(`${directory}/${name}`)] as const))
  )
}

/** The files that websites load: scripts, and the style sheet of forms. */
export const scripts = ["embed", "events", "forms", "forms-faults", "forms-style", "chat", "chat-panel"] as const

export type Script = (typeof scripts)[number]

/** Whether the name is that of a style sheet, not of a script. */
export const isStyle = (name: Script): boolean => name === "forms-style"

/** The name of the file of the current version, or of the version with `hash`. */
export const fileName = (name: Script, hash?: string): string => {
  const version = hash === undefined ? "" : `.${hash}`
  return isStyle(name) ? `forms${version}.css` : `${name}${version}.js`
}

/** The scripts and style sheets of the demo. */
export const demoFiles = ["shell.css", "panel.css", "site.css", "pages.css", "shell.js", "site.js"] as const

/** The folders and files of the built files. */
export const places = {
  scripts: "scripts",
  console: "console",
  assets: "assets",
  demo: "demo",
  guides: "guides.json",
  paths: "paths.json"
} as const

/** Reads a file that websites load. */
export const script = (name: Script): Promise<Compression.Compressed> =>
  compressed(`${places.scripts}/${fileName(name)}`)
