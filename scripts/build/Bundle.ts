/**
 * The bundler of what browsers load.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import type { BuildOptions, BuildResult, Plugin } from "esbuild"
import * as Compression from "../../src/pages/Compression.ts"
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

/** The font of these pages, with its licence beside it. */
export const fontFile = "src/pages/font/geist.woff2"
export const font: Uint8Array = readFileSync(path.join(root, fontFile))
export const fontName = `font-${Compression.hashOf(font)}.woff2`
const fontUrl = assets + fontName

/** Lets the browser load the font together with the page's style sheet. */
export const fontPreload = `<link rel="preload" href="${fontUrl}" as="font" type="font/woff2" crossorigin>`

/** The suffix distinguishes the design as a style sheet from the module of the same bundle. */
const asStyleSheet = "?css"

/** The file of an input of a bundle, relative to the root. */
export const sourceOf = (input: string): string => input.replace(asStyleSheet, "")

/** Lets style sheets import `src/platform/design/Design.ts`. */
export const design: Plugin = {
  name: "design",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /[\\/]Design\.ts$/ }, ({ kind, path: file, resolveDir }) =>
      kind === "import-rule" ? { path: path.resolve(resolveDir, file), suffix: asStyleSheet } : undefined
    )
    onLoad({ filter: /[\\/]Design\.ts$/ }, ({ suffix }) =>
      suffix === asStyleSheet ? { loader: "css", contents: Design.styleSheet(fontUrl) } : undefined
    )
    onResolve({ filter: /^\/assets\// }, ({ path }) => ({ path, external: true }))
  }
}
