/**
 * Another commit of this repository, beside the checkout: its files in the bench's folder, with the packages that its lock
 * file names. It is taken out of git's store without a worktree, so that nothing is left in `.git` however the bench ends.
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

/** Runs npm in a folder, with all of our environment: a mirror or a proxy may be named there. */
export const npm = (folder: string, args: ReadonlyArray<string>) =>
  Program.run(folder, { name: "npm", file: "npm", args, env: environment() })

/** Makes the folder of a commit and gives it. */
export const checkout = Effect.fnUntraced(function* (folder: string, root: string, ref: string) {
  const target = path.join(folder, "against")
  yield* Effect.try({
    try: () => {
      mkdirSync(target)
      const files = path.join(folder, "against.tar")
      execFileSync("git", ["-C", root, "archive", "--format=tar", `--output=${files}`, ref, "--"], { stdio: "pipe" })
      execFileSync("tar", ["-xf", files, "-C", target], { stdio: "pipe" })
    },
    catch: (cause) => new Program.BenchError({ message: `git has no "${ref}" to compare with: ${cause}` })
  })
  const lock = (of: string) => readFileSync(path.join(of, "package-lock.json"), "utf8")
  if (lock(target) === lock(root)) symlinkSync(path.join(root, "node_modules"), path.join(target, "node_modules"))
  else yield* npm(folder, ["ci", "--prefix", target, "--no-audit", "--no-fund"])
  return target
})
