/**
 * Runs commands of `hydracore` as processes.
 *
 * @module
 */
import { execFile } from "node:child_process"
import path from "node:path"
import { Effect } from "effect"
import * as Program from "../support/Program.ts"

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end, in an environment that has only `env`. */
export const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>): Effect.Effect<Ended> =>
  Effect.flatMap(Program.main, (main) =>
    Effect.callback<Ended>((resume) => {
      const child = execFile(
        process.execPath,
        [main, ...args],
        { cwd: path.dirname(main), env: { PATH: process.env["PATH"] ?? "", NO_COLOR: "1", ...env } },
        (_, stdout, stderr) => resume(Effect.succeed({ code: child.exitCode ?? -1, stdout, stderr }))
      )
      return Effect.sync(() => child.kill("SIGKILL"))
    })
  )

/** Runs a command that must succeed with `--json`, and returns the document that it prints. */
export const json = Effect.fnUntraced(function* (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) {
  const { code, stderr, stdout } = yield* run([...args, "--json"], env)
  if (code !== 0) return yield* Effect.die(new Error(`hydracore ${args.join(" ")}: ${stderr}`))
  return JSON.parse(stdout) as Readonly<Record<string, string>>
})
