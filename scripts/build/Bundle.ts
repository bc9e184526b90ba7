/**
 * The bundler of what browsers load.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import type { BuildOptions, BuildResult, Plugin } from "esbuild"
import * as Built from "../../src/pages/Built.ts"
import * as Design from "../../src/platform/design/Design.ts"

export const root = path.resolve(import.meta.dirname, "../..")

/** Bundles in memory, with the options that all bundles share. */
export type Bundle = (options: BuildOptions) => Promise<BuildResult<typeof common>>

export const common = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  metafile: true,
  outdir: "/",
  charset: "utf8",
  logLevel: "silent",
  // Ignores tsconfig.json: all settings are here, and tsc checks the types.
  tsconfigRaw: "{}"
} as const

/** Where the files of the service's own pages are served. */
export const assets = "/assets/"

const readFont = (file: string, name: string) => {
  const bytes: Uint8Array = readFileSync(path.join(root, file))
  const named = `${name}-${Built.hashOf(bytes)}.woff2`
  return { file, bytes, name: named, url: assets + named }
}

/**
 * The font of these pages, with its licence beside it. Its second file has the other letters of European languages, such as ł, ő
 * and ş. A browser loads it only for a page that has one of these.
 */
export const font = readFont("src/pages/font/geist.woff2", "font")
export const fontExtension = readFont("src/pages/font/geist-latin-ext.woff2", "font-latin-ext")

/** Lets the browser load the font together with the page's style sheet. */
export const fontPreload = `<link rel="preload" href="${font.url}" as="font" type="font/woff2" crossorigin>`

/** The suffix distinguishes the design as a style sheet from the module of the same bundle. */
const asStyleSheet = "?css"

/** The suffix distinguishes a module as a part of the console that is loaded later from the module itself. */
export const asPart = "?part"

/** The file of an input of a bundle, relative to the root. */
export const sourceOf = (input: string): string => input.replace(asStyleSheet, "").replace(asPart, "")

/** Lets style sheets import `src/platform/design/Design.ts`. */
export const design: Plugin = {
  name: "design",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /[\\/]Design\.ts$/ }, ({ kind, path: file, resolveDir }) =>
      kind === "import-rule" ? { path: path.resolve(resolveDir, file), suffix: asStyleSheet } : undefined
    )
    onLoad({ filter: /[\\/]Design\.ts$/ }, ({ suffix }) =>
      suffix === asStyleSheet ? { loader: "css", contents: Design.styleSheet(font.url, fontExtension.url) } : undefined
    )
    onResolve({ filter: /^\/assets\// }, ({ path }) => ({ path, external: true }))
  }
}
