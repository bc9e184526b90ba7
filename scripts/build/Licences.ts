/**
 * The notices that licences require, for the packages whose code is in the archive.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
}

/** The folder of the package that holds a file of `node_modules`; undefined for other files. */
const packageOf = (file: string): string | undefined => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]

const noticeOf = (folder: string): string => {
  const { license, name, version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .sort()
    .map((file) => readFileSync(path.join(folder, file), "utf8").trim())
  return [`${name} ${version} (${license ?? "see below"})`, ...texts].join("\n\n")
}

/** The notice of the font, which is not from a package. */
const fontNotice = (root: string): string =>
  `Geist (OFL-1.1)\n\n${readFileSync(path.join(root, "src/pages/font/LICENSE"), "utf8").trim()}`

/** The notices of the font and of all packages that `files` are from, sorted by their folders. `files` are relative to `root`. */
export const notices = (root: string, files: ReadonlyArray<string>): string => {
  const folders = new Set(files.map(packageOf).filter((folder) => folder !== undefined))
  return `${[fontNotice(root), ...[...folders].sort().map((folder) => noticeOf(path.join(root, folder)))].join(`\n\n${"-".repeat(80)}\n\n`)}\n`
}
