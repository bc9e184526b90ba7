/**
 * Programs that serve in the foreground with files of their own, such as nginx.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { Effect, type Scope } from "effect"

/** The first of these programs that runs, or undefined if none is installed. */
export const find = (names: ReadonlyArray<string>, versionFlag: string): string | undefined =>
  names.find((name) => {
    try {
      execFileSync(name, [versionFlag], { stdio: "ignore" })
      return true
    } catch {
      return false
    }
  })

export interface Daemon {
  readonly child: ChildProcess
  /** What it has written so far. */
  readonly output: () => string
}

/** Starts a program, which ends with the scope. `configure` returns its configuration, a file in a folder that other users can read. */
export const start = Effect.fnUntraced(function* (options: {
  readonly program: string
  readonly configure: (folder: string) => string
  /** The arguments, with the path of the configuration. */
  readonly args: (file: string, folder: string) => ReadonlyArray<string>
  /** The signal that ends the program with all its processes. */
  readonly endsBy: NodeJS.Signals
  /** What is kept of the output; all of it by default. */
  readonly keep?: (text: string) => string
}): Effect.fn.Return<Daemon, never, Scope.Scope> {
  const { args, configure, endsBy, keep = (text: string) => text, program } = options
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(path.join(tmpdir(), "hydracore-daemon-"))),
    (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
  )
  const file = path.join(folder, "configuration")
  let output = ""
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      chmodSync(folder, 0o755)
      writeFileSync(file, configure(folder))
      const started = spawn(program, args(file, folder), { stdio: ["ignore", "pipe", "pipe"] })
      const endOnExit = () => started.kill(endsBy)
      process.once("exit", endOnExit)
      started.once("exit", () => process.off("exit", endOnExit))
      for (const stream of [started.stdout, started.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          if (output.length < 1_000_000) output += keep(text)
        })
      }
      return started
    }),
    (started) =>
      Effect.callback<void>((resume) => {
        if (started.exitCode !== null || started.signalCode !== null) return resume(Effect.void)
        started.once("exit", () => resume(Effect.void))
        started.kill(endsBy)
      })
  )
  return { child, output: () => output }
})
