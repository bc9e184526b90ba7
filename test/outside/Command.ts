/**
 * Runs commands of `hydracore`, as users type them.
 *
 * @module
 */
import { type ChildProcess, execFile, fork } from "node:child_process"
import path from "node:path"
import { Effect, Semaphore } from "effect"
import * as Program from "../support/Program.ts"

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A command for the process of `CommandHost.ts`. `main` is the program's main file. */
export interface Given {
  readonly main: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
}

const environment = (env: Readonly<Record<string, string>>) => ({
  PATH: process.env["PATH"] ?? "",
  NO_COLOR: "1",
  ...env
})

/** Runs a command to its end in a process of its own, in an environment that has only `env`. */
export const start = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>): Effect.Effect<Ended> =>
  Effect.flatMap(Program.main, (main) =>
    Effect.callback<Ended>((resume) => {
      const child = execFile(
        process.execPath,
        [main, ...args],
        { cwd: path.dirname(main), env: environment(env) },
        (_, stdout, stderr) => resume(Effect.succeed({ code: child.exitCode ?? -1, stdout, stderr }))
      )
      return Effect.sync(() => child.kill("SIGKILL"))
    })
  )

let host: ChildProcess | undefined

/** The process that runs this worker's commands. It ends with the worker. */
const hostOf = (main: string): ChildProcess => {
  if (host?.connected === true) return host
  host = fork(path.join(import.meta.dirname, "CommandHost.ts"), {
    cwd: path.dirname(main),
    env: environment({}),
    execArgv: [],
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  host.unref()
  host.channel?.unref()
  return host
}

const oneAtATime = Semaphore.makeUnsafe(1)

/**
 * Runs a command to its end, in an environment that has only `env`. Commands share a process, because most of the processor time of a
 * command is that of the program's start.
 */
export const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>): Effect.Effect<Ended> =>
  Effect.flatMap(Program.main, (main) =>
    oneAtATime.withPermit(
      Effect.callback<Ended>((resume) => {
        const child = hostOf(main)
        const failed = () => resume(Effect.die(new Error(`The process of the commands ended: ${args.join(" ")}`)))
        child.once("exit", failed)
        child.once("message", (ended) => {
          child.off("exit", failed)
          resume(Effect.succeed(ended as Ended))
        })
        const given: Given = { main, args, env: environment(env) }
        child.send(given)
        // Otherwise, the result of this command would be taken for that of the next one.
        return Effect.sync(() => {
          host = undefined
          child.kill("SIGKILL")
        })
      })
    )
  )

/** Runs a command that must succeed with `--json`, and returns the document that it prints. */
export const json = Effect.fnUntraced(function* (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) {
  const { code, stderr, stdout } = yield* run([...args, "--json"], env)
  if (code !== 0) return yield* Effect.die(new Error(`hydracore ${args.join(" ")}: ${stderr}`))
  return JSON.parse(stdout) as Readonly<Record<string, string>>
})
