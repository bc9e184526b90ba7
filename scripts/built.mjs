/**
 * Makes the files in `built` (`build/Assets.ts`) if they are missing or their sources have changed. If nothing has changed, this
 * takes a few milliseconds.
 *
 * Plain JavaScript without dependencies: `bootstrap.mjs` uses it with any Node from 18 on.
 */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { attempt, withLock } from "./lock.mjs"

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..")

export const folder = path.join(root, "built")

/** Holds the state of each source when the files were made from it. Written last. */
export const sourcesFile = path.join(folder, "sources.json")

const statOf = (source) => {
  const { mtimeMs, size } = statSync(path.join(root, source))
  return `${mtimeMs} ${size}`
}

/** A hash of a file's content, or of the names in a folder. */
const contentOf = (source) => {
  const file = path.join(root, source)
  const content = statSync(file).isDirectory() ? readdirSync(file).sort().join("\n") : readFileSync(file)
  return createHash("sha256").update(content).digest("hex")
}

/** The state of a file or folder, which a change of it changes. */
export const stateOf = (source) => `${statOf(source)} ${contentOf(source)}`

/**
 * Whether a source is as it was in a state. Its content is read only if its time differs, as it does in a copy of the folder. Packages
 * are those of package-lock.json, which is a source too, and need not be installed any more.
 */
const isIn = (source, state) =>
  source.startsWith("node_modules/") ||
  attempt(() => state.startsWith(`${statOf(source)} `) || state.endsWith(` ${contentOf(source)}`)) === true

/** Whether the files were made from the sources as they are now. */
export const isCurrent = () => {
  const sources = attempt(() => JSON.parse(readFileSync(sourcesFile, "utf8")))
  return sources !== undefined && Object.entries(sources).every(([source, state]) => isIn(source, state))
}

/** The Node of the packages, because an older one may run this script. */
const node = () => {
  const installed = path.join(root, "node_modules/.bin/node")
  return existsSync(installed) ? installed : process.execPath
}

const make = (own) =>
  new Promise((resolve, reject) => {
    const child = spawn(node(), [path.join(root, "scripts/build/Assets.ts")], { cwd: root, stdio: ["ignore", 2, 2] })
    if (child.pid !== undefined) own(child.pid)
    child.once("error", reject)
    child.once("exit", (code, signal) =>
      code === 0
        ? resolve(undefined)
        : reject(
            new Error(`the scripts, the console or the guides could not be built (${signal ?? `exit code ${code}`})`)
          )
    )
  })

const unwritable = new Set(["EACCES", "EPERM", "EROFS"])

/** Makes the files if needed. One process makes them, and others wait. */
export const update = async () => {
  if (isCurrent()) return
  try {
    await withLock(
      path.join(root, ".built.lock"),
      () => {},
      async (own) => {
        if (isCurrent()) return
        mkdirSync(folder, { recursive: true })
        await make(own)
      }
    )
  } catch (error) {
    if (!unwritable.has(error.code)) throw error
    throw new Error(
      `the scripts, the console and the guides must be built, and ${root} cannot be written (${error.code}). ` +
        "Run node scripts/bootstrap.mjs once as a user who can write there, such as when you make an image."
    )
  }
}
