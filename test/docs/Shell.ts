/**
 * Runs the shell blocks of a document like a reader who pastes them, against a service that the test started.
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
 * The guides write `hydracore` for `npm run -s hydracore --`, and `sudo hydracore` for the same as the service's user. The commands
 * run over the socket, because a process takes ten times the processor time, apart from those that read the script's input and from one
 * of the README's that npm starts. The tests' PostgreSQL may lose commits, so the only problem that `doctor` may report is "durability".
 */
const prelude = (program: string, socket: string) => `set -euo pipefail
sudo() { "$@"; }
send() { printf '%s\\0' "$@" | curl -sS --fail-with-body --unix-socket '${socket}' --data-binary @- http://commands/; }
hydracore() {
  local output
  case "$*" in
    doctor*)
      if output=$(send "$@"); then echo "$output"; return; fi
      echo "$output"
      [ "$(grep -o '^problem  *[a-z]*' <<<"$output")" = "problem  durability" ] ;;
    */dev/stdin*) node ${program} "$@" ;;
    *) send "$@" ;;
  esac
}
npm() {
  case "$*" in
    "run -s hydracore -- submissions "*) shift 4; hydracore "$@" ;;
    *) command npm "$@" ;;
  esac
}
`

/** Replaces every key by its value, the longest keys first. */
export const replace = (text: string, values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .sort(([left], [right]) => right.length - left.length)
    .reduce((done, [key, value]) => done.replaceAll(key, value), text)

/**
 * Runs a block in the repository's root. A `CommandServer` runs its commands over the socket. Ids like `<website_config_id>` that
 * have no value are an error.
 */
export const runBlock = (block: string, env: Readonly<Record<string, string>>, socket: string): Effect.Effect<Ended> =>
  Effect.gen(function* () {
    const unknown = /<[a-z_]+>/.exec(block)
    if (unknown !== null) return yield* Effect.die(new Error(`There is no value for ${unknown[0]} in: ${block}`))
    return yield* run(prelude(yield* Program.main, socket) + block, env)
  })

/** Runs a script in the repository's root. */
export const run = (script: string, env: Readonly<Record<string, string>>): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = execFile(
      "bash",
      // Without the user's `~/.bashrc`, which bash reads if its input is a socket, as it is here.
      ["--norc", "-c", `set -euo pipefail\n${script}`],
      {
        cwd: root,
        env: {
          ...env,
          PATH: `${path.dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
          HOME: process.env["HOME"] ?? "/",
          NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? ""
        },
        encoding: "utf8",
        maxBuffer: 16 * 2 ** 20
      },
      (error, stdout, stderr) =>
        resume(Effect.succeed({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr }))
    )
    return Effect.sync(() => void child.kill("SIGKILL"))
  })
