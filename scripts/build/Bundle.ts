/**
 * The bundler of what browsers load.
 *
 * @module
 */
import path from "node:path"
import type { BuildOptions, BuildResult } from "esbuild"

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
