/**
 * Runs the shell blocks of a document as a reader does who pastes them, against a service that the test started.
 *
 * @module
 */
import { execFile } from "node:child_process"
import path from "node:path"
import { Effect } from "effect"
import * as Program from "../support/Program.ts"
import { root } from "./Documents.ts"

export interface Ended {
  readonly code: unknown
  readonly stdout: string
  readonly stderr: string
}

/**
 * The guides write `hydracore` for `npm run -s hydracore --`. The tests' PostgreSQL may lose commits, so the only problem
 * that `doctor` may report is "durability".
 */
const prelude = (program: string) => `set -euo pipefail
main() { node ${program} "$@"; }
hydracore() {
  local output
  if [ "$1" != doctor ]; then main "$@"; return; fi
  if output=$(main "$@"); then echo "$output"; return; fi
  echo "$output"
  [ "$(grep -o '^BAD  *[a-z]*' <<<"$output")" = "BAD   durability" ]
}
`

/** Replaces every key by its value, the longest keys first. */
export const replace = (text: string, values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .sort(([left], [right]) => right.length - left.length)
    .reduce((done, [key, value]) => done.replaceAll(key, value), text)

/** Runs a script in the repository's root. Ids like `<website_config_id>` that have no value are an error. */
export const run = (script: string, env: Readonly<Record<string, string>>): Effect.Effect<Ended> =>
  Effect.flatMap(Program.main, (program) => runWith(program, script, env))

const runWith = (program: string, script: string, env: Readonly<Record<string, string>>): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const unknown = /<[a-z_]+>/.exec(script)
    if (unknown !== null) return resume(Effect.die(new Error(`Nothing is known for ${unknown[0]} in: ${script}`)))
    const child = execFile(
      "bash",
      ["-c", prelude(program) + script],
      {
        cwd: root,
        env: {
          ...env,
          PATH: `${path.dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
          HOME: process.env["HOME"] ?? "/"
        },
        encoding: "utf8",
        maxBuffer: 16 * 2 ** 20
      },
      (error, stdout, stderr) =>
        resume(Effect.succeed({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr }))
    )
    return Effect.sync(() => void child.kill("SIGKILL"))
  })
