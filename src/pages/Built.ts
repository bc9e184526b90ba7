/**
 * The files that `scripts/build` makes of `src/browser`, `src/console`, `src/demo/pages` and `src/docs`, in the codings that browsers
 * accept. The npm scripts that start the service make them first, if their sources have changed.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
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

/** Defined in the program of `npm run build`, which has the files beside it. */
declare const ARCHIVE: true | undefined

const folder = new URL(typeof ARCHIVE === "undefined" ? "../../built/" : "../built/", import.meta.url)

/** Reads a text. `name` is relative to the folder of the built files. */
export const text = (name: string): Promise<string> => readFile(new URL(name, folder), "utf8")

/** The extensions of a file's codings. */
export const extensions = { identity: "", br: ".br", gzip: ".gz" } as const

/** Reads a file that the build has also compressed. */
export const compressed = async (name: string): Promise<Compressed> => {
  const [identity, br, gzip] = await Promise.all(
    [extensions.identity, extensions.br, extensions.gzip].map((extension) =>
      readFile(new URL(name + extension, folder))
    )
  )
  return { hash: hashOf(identity!), bytes: { identity: identity!, br: br!, gzip: gzip! } }
}

/** Reads the files of a folder that the build has also compressed, by their names. */
export const allCompressed = async (directory: string): Promise<ReadonlyMap<string, Compressed>> => {
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
export const script = (name: Script): Promise<Compressed> => compressed(`${places.scripts}/${fileName(name)}`)
