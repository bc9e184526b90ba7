/**
 * The results of the bundler and of the compression. The build stores them in `browser.json` in `dist`, the folder that is
 * packed.
 *
 * @module
 */
import { createHash } from "node:crypto"
import path from "node:path"
import { fileURLToPath } from "node:url"
import type { Metafile } from "esbuild"

/** The result of one call of the bundler. */
export interface Recording {
  /** In the bundler's order. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly text: string }>
  /** Each file with its imports, if the call requests a metafile. */
  readonly outputs: Metafile["outputs"] | undefined
}

/** Compressed content in Base64, by the SHA-256 of the uncompressed content. */
export type Compressions = Readonly<Record<string, { readonly br: string; readonly gzip: string }>>

/** The content of `browser.json`: bundles by `keyOf`, and compressed contents. */
export interface Recordings {
  readonly bundles: Readonly<Record<string, Recording>>
  readonly compressions: Compressions
}

export const hashOf = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex")

/** Source files, or source files by the names of their bundles. */
export type EntryPoints = ReadonlyArray<string> | Readonly<Record<string, string>>

/**
 * Identifies a call by the paths of its entry points relative to `root`. The key is the same during the build, when `root` is
 * `src`, and later, when it is `dist`.
 */
export const keyOf = (entryPoints: EntryPoints, root: URL): string =>
  Object.values(entryPoints)
    .map((entry) => path.relative(fileURLToPath(root), entry).replaceAll(path.sep, "/"))
    .join(",")
