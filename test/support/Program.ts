/**
 * The service as one bundle, which `scripts/build.ts` builds from the current sources. Tests start it instead of `src/main.ts`,
 * because the bundle needs a third of the processor time to start.
 *
 * @module
 */
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { until } from "./Wait.ts"

const root = path.resolve(import.meta.dirname, "../..")

/** In `node_modules`, so that the program finds the optional packages. */
const cache = path.join(root, "node_modules/.cache/test-program")

/** The files that the program is built from. */
const sources = ["src", "scripts/build", "scripts/build.ts", "scripts/built.mjs", "package.json", "package-lock.json"]

/** Identifies the sources by their names, sizes and times of change. */
const version = (): string => {
  const hash = createHash("sha256")
  for (const source of sources) {
    const top = path.join(root, source)
    const files = statSync(top).isDirectory()
      ? readdirSync(top, { recursive: true, encoding: "utf8" }).map((file) => path.join(top, file))
      : [top]
    for (const file of files.sort()) {
      const { mtimeMs, size } = statSync(file)
      hash.update(`${file} ${mtimeMs} ${size}\n`)
    }
  }
  return hash.digest("hex").slice(0, 16)
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/**
 * Creates the lock file with this process's id; false if the file exists. The lock of a process that has ended is deleted, so
 * that the next attempt succeeds.
 */
const lock = (file: string): boolean => {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" })
    return true
  } catch {
    if (existsSync(file) && !isAlive(Number(readFileSync(file, "utf8")))) rmSync(file, { force: true })
    return false
  }
}

const run = promisify(execFile)

/**
 * Makes a file in the cache, unless it was made from the same sources. The first use makes it, in whichever process that is; others
 * wait. `folder` is that of the program.
 */
const made = (suffix: string, make: (folder: string) => Promise<void>): Effect.Effect<string> =>
  Effect.suspend(() => {
    mkdirSync(cache, { recursive: true })
    const folder = path.join(cache, version())
    const file = folder + suffix
    const lockFile = path.join(cache, "build.lock")
    return until("the program is built", async () => {
      if (existsSync(file)) return file
      if (!lock(lockFile)) return undefined
      try {
        if (!existsSync(file)) await make(folder)
      } finally {
        rmSync(lockFile)
      }
      return file
    })
  }).pipe(Effect.cached, Effect.runSync)

/** The path of the program's main file. */
export const main: Effect.Effect<string> = made("/main.js", async (folder) => {
  const draft = `${folder}.new`
  // Relative to another folder than the root, as a user may name it.
  const args = [path.join(root, "scripts/build.ts"), "--out", path.basename(draft)]
  await run(process.execPath, args, { cwd: cache })
  for (const old of readdirSync(cache)) {
    if (old !== path.basename(draft) && !old.endsWith(".lock")) rmSync(path.join(cache, old), { recursive: true })
  }
  renameSync(draft, folder)
})

/** The path of the archive that `npm pack` makes of the program. */
export const archive: Effect.Effect<string> = Effect.andThen(
  main,
  made(".tgz", async (folder) => {
    const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", cache, folder])
    renameSync(path.join(cache, stdout.trim()), `${folder}.tgz`)
  })
)
