/**
 * Makes the files in `built` (`build/Assets.ts`) if they are missing or their sources have changed. If nothing has changed, this
 * takes a few milliseconds.
 *
 * Plain JavaScript without dependencies: `bootstrap.mjs` uses it with any Node from 18 on.
 */
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { attempt, withLock } from "./lock.mjs"

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..")

export const folder = path.join(root, "built")

/** Holds the state of each source when the files were made from it. Written last. */
export const sourcesFile = path.join(folder, "sources.json")

/** The state of a file or folder, which a change of it changes; undefined if it does not exist. */
export const stateOf = (source) => {
  const found = attempt(() => statSync(path.join(root, source)))
  return found === undefined ? undefined : `${found.mtimeMs} ${found.size}`
}

/** Whether the files were made from the sources as they are now. */
const isCurrent = () => {
  const sources = attempt(() => JSON.parse(readFileSync(sourcesFile, "utf8")))
  return sources !== undefined && Object.entries(sources).every(([source, state]) => stateOf(source) === state)
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

/** Makes the files if needed. One process makes them, and others wait. */
export const update = async () => {
  if (isCurrent()) return
  mkdirSync(folder, { recursive: true })
  await withLock(
    path.join(root, ".built.lock"),
    () => {},
    async (own) => {
      if (!isCurrent()) await make(own)
    }
  )
}
