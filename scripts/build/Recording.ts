/**
 * What one call of the bundler gave, for the archive.
 *
 * @module
 */
import path from "node:path"
import { fileURLToPath } from "node:url"
import type { Metafile } from "esbuild"

export interface Recording {
  /** In the bundler's order. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly text: string }>
  /** The files that each one imports, if the call requests them. */
  readonly outputs: Metafile["outputs"] | undefined
}

/** Files, or files by the names of their results. */
export type EntryPoints = ReadonlyArray<string> | Readonly<Record<string, string>>

/** Identifies a call by its entry points, relative to the folder that holds `src`'s files. */
export const keyOf = (entryPoints: EntryPoints, root: URL): string =>
  Object.values(entryPoints)
    .map((entry) => path.relative(fileURLToPath(root), entry).replaceAll(path.sep, "/"))
    .join(",")
