/**
 * What one call of the bundler gave, for the archive.
 *
 * @module
 */
import path from "node:path"
import { fileURLToPath } from "node:url"

/** The files of a result, in the bundler's order. */
export type Recording = ReadonlyArray<{ readonly path: string; readonly text: string }>

/** Identifies a call by its entry points, relative to the folder that holds `src`'s files. */
export const keyOf = (entryPoints: ReadonlyArray<string>, root: URL): string =>
  entryPoints.map((entry) => path.relative(fileURLToPath(root), entry).replaceAll(path.sep, "/")).join(",")
