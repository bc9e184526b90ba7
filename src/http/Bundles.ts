/**
 * Bundles what websites load (`src/browser`) and compresses it, once in the life of a process: its sources do not change
 * meanwhile. It takes some tens of milliseconds, most of them in other threads and in esbuild's own process.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { brotliCompress, constants, gzip } from "node:zlib"
import { type BuildOptions, build, stop } from "esbuild"
import type { Coding } from "../core/Negotiation.ts"

/** The scripts, by the names under which they are served. */
export const names = ["embed", "forms", "chat"] as const

export type Name = (typeof names)[number]

export interface Bundle {
  /** The beginning of the SHA-256 of its bytes, in hexadecimal: it names the version. */
  readonly hash: string
  /** Its bytes in each coding. */
  readonly bytes: Readonly<Record<Coding, Uint8Array>>
}

/** A bundle, or why it could not be made. */
export type Outcome =
  | { readonly _tag: "Made"; readonly bundle: Bundle }
  | { readonly _tag: "Failed"; readonly reason: string }

/** Digits of a hash in a file's name: few, since the tracker carries one. */
const digits = 8

/** The name of a version's file. */
export const hashedName = (name: Name, hash: string): string => `${name}.${hash}.js`

const brotli = promisify(brotliCompress)
const gzipped = promisify(gzip)

const compress = async (identity: Uint8Array): Promise<Bundle> => {
  const [br, gz] = await Promise.all([
    brotli(identity, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: identity.length } }),
    gzipped(identity, { level: constants.Z_BEST_COMPRESSION })
  ])
  return {
    hash: createHash("sha256").update(identity).digest("hex").slice(0, digits),
    bytes: { identity, br, gzip: gz }
  }
}

const make = async (name: Name, options: BuildOptions): Promise<Outcome> => {
  try {
    const { outputFiles = [] } = await build({
      entryPoints: [fileURLToPath(new URL(`../browser/${name}.ts`, import.meta.url))],
      bundle: true,
      minify: true,
      write: false,
      charset: "utf8",
      target: "es2021",
      logLevel: "silent",
      // Types are checked elsewhere; the rest of the settings is here.
      tsconfigRaw: "{}",
      ...options
    })
    return { _tag: "Made", bundle: await compress(outputFiles[0]!.contents) }
  } catch (error) {
    return { _tag: "Failed", reason: error instanceof Error ? error.message : String(error) }
  }
}

const makeAll = async (): Promise<Readonly<Record<Name, Outcome>>> => {
  try {
    const [forms, chat] = await Promise.all([
      make("forms", { format: "esm" }),
      // A custom element's private names; no assertions of the Markdown parser's in a visitor's console; and the notice
      // that the parser's licence asks for, which minifying would drop.
      make("chat", {
        format: "esm",
        target: "es2022",
        drop: ["console"],
        banner: { js: "/*! streaming-markdown: MIT */" }
      })
    ])
    // The tracker names the version of the enhancer that it loads; without one, whichever is served.
    const file = forms._tag === "Made" ? hashedName("forms", forms.bundle.hash) : "forms.js"
    return { forms, chat, embed: await make("embed", { format: "iife", define: { FORMS_FILE: JSON.stringify(file) } }) }
  } finally {
    // esbuild's process has nothing left to do.
    await stop()
  }
}

let made: Promise<Readonly<Record<Name, Outcome>>> | undefined

/** The bundles of this process. Never rejects. */
export const all = (): Promise<Readonly<Record<Name, Outcome>>> => {
  made ??= makeAll()
  return made
}
