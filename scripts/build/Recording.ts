/**
 * What the bundler and the compression gave, for the archive.
 *
 * @module
 */
import { createHash } from "node:crypto"
import path from "node:path"
import { fileURLToPath } from "node:url"
import type { Metafile } from "esbuild"

/** What one call of the bundler gave. */
export interface Recording {
  /** In the bundler's order. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly text: string }>
  /** The files that each one imports, if the call requests them. */
  readonly outputs: Metafile["outputs"] | undefined
}

/** Compressed content in Base64, by the SHA-256 of the content. */
export type Compressions = Readonly<Record<string, { readonly br: string; readonly gzip: string }>>

/** What the archive has of the scripts that browsers load. */
export interface Recordings {
  readonly bundles: Readonly<Record<string, Recording>>
  readonly compressions: Compressions
}

export const hashOf = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex")

/** Files, or files by the names of their results. */
export type EntryPoints = ReadonlyArray<string> | Readonly<Record<string, string>>

/** Identifies a call by its entry points, relative to the folder that holds `src`'s files. */
export const keyOf = (entryPoints: EntryPoints, root: URL): string =>
  Object.values(entryPoints)
    .map((entry) => path.relative(fileURLToPath(root), entry).replaceAll(path.sep, "/"))
    .join(",")
