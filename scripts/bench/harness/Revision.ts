/**
 * Another revision of this repository, in a temporary folder, with the packages of its own lock file. `git archive` exports
 * it; a worktree would leave an entry in `.git` if the bench were killed.
 *
 * @module
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, symlinkSync } from "node:fs"
import path from "node:path"
import { Effect } from "effect"
import * as Program from "./Program.ts"

const environment = (): Record<string, string> =>
  Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined))

/** Runs npm with the whole environment, which may name a mirror or a proxy. */
export const npm = (folder: string, args: ReadonlyArray<string>) =>
  Program.run(folder, { name: "npm", file: "npm", args, env: environment() })

/** Exports a revision, installs its packages and returns its folder. */
export const exportTo = Effect.fnUntraced(function* (folder: string, root: string, revision: string) {
  const target = path.join(folder, "baseline")
  yield* Effect.try({
    try: () => {
      mkdirSync(target)
      const files = path.join(folder, "baseline.tar")
      execFileSync("git", ["-C", root, "archive", "--format=tar", `--output=${files}`, revision, "--"], {
        stdio: "pipe"
      })
      execFileSync("tar", ["-xf", files, "-C", target], { stdio: "pipe" })
    },
    catch: (cause) => new Program.BenchError({ message: `git cannot export the revision "${revision}": ${cause}` })
  })
  const readLock = (at: string) => readFileSync(path.join(at, "package-lock.json"), "utf8")
  if (readLock(target) === readLock(root))
    symlinkSync(path.join(root, "node_modules"), path.join(target, "node_modules"))
  else yield* npm(folder, ["ci", "--prefix", target, "--no-audit", "--no-fund"])
  return target
})
