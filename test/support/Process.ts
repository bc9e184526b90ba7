/**
 * The service as a separate process, to be killed, shut down and observed from outside.
 *
 * @module
 */
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { Effect, type Scope } from "effect"
import * as Program from "./Program.ts"
import { until } from "./Wait.ts"

const root = path.resolve(import.meta.dirname, "../..")

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Process {
  /** Such as `http://127.0.0.1:4711`, without a trailing slash. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** The process's standard output and standard error. */
  readonly output: () => string
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  readonly ended: Effect.Effect<Ended>
  /** Resident memory in MiB, and open file descriptors. Undefined if the system does not report them. */
  readonly gauge: () => { readonly rss: number; readonly handles: number } | undefined
}

/** A service that need not be a process. */
export interface Serving extends Pick<Process, "url" | "port" | "output"> {
  /** Ends the service gracefully, as SIGTERM does. */
  readonly end: Effect.Effect<void>
}

/** Runs `serve` with settings until the scope closes. */
export type Serve = (env: Readonly<Record<string, string>>) => Effect.Effect<Serving, never, Scope.Scope>

/** The default settings of the services. */
export const defaults = { PORT: "0", RATE_LIMIT_ANALYTICS: "off", RATE_LIMIT_FORMS: "off", RATE_LIMIT_CHAT: "off" }

/** Maximum length of the stored output, which bounds a flood of log lines. */
const maxOutput = 64 * 2 ** 20

export interface Launched {
  readonly child: ChildProcess
  readonly output: () => string
  readonly ended: Effect.Effect<Ended>
}

/** Starts `hydracore` with arguments, an environment and Node flags; the scope kills it. `program` is its main file. */
export const launch = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  nodeFlags: ReadonlyArray<string> = [],
  program?: string
): Effect.Effect<Launched, never, Scope.Scope> =>
  Effect.flatMap(program === undefined ? Program.main : Effect.succeed(program), (main) =>
    run([...nodeFlags, main, ...args], env)
  )

/** Runs node; the scope kills it. */
const run = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>
): Effect.Effect<Launched, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, args, {
        cwd: root,
        env: { PATH: process.env["PATH"] ?? "", NO_COLOR: "1", ...env },
        stdio: ["ignore", "pipe", "pipe"]
      })
      const killOnExit = () => child.kill("SIGKILL")
      process.once("exit", killOnExit)
      child.once("exit", () => process.off("exit", killOnExit))
      let output = ""
      const keep = (text: string) => {
        if (output.length < maxOutput) output += text
      }
      child.stdout.setEncoding("utf8").on("data", keep)
      child.stderr.setEncoding("utf8").on("data", keep)
      const ended = new Promise<Ended>((resolve) => {
        child.once("close", (code, signal) => resolve({ code, signal }))
      })
      return { child, output: () => output, ended: Effect.promise(() => ended) }
    }),
    ({ child, ended }) => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
      return Effect.asVoid(ended)
    }
  )

const gauge = (pid: number | undefined) => {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1])
    return { rss: (pages * 4096) / 2 ** 20, handles: readdirSync(`/proc/${pid}/fd`).length }
  } catch {
    return undefined
  }
}

/** Waits until a server serves. */
export const serving = ({ child, ended, output }: Launched): Effect.Effect<Process> =>
  until("the service serves", () => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The service ended: ${output()}`)
    return /(?:Listening on|service) +(http:\/\/127\.0\.0\.1:\d+)/.exec(output())?.[1]
  }).pipe(
    Effect.map((url) => ({
      url,
      port: Number(new URL(url).port),
      pid: child.pid ?? 0,
      output,
      ended,
      signal: (name) => Effect.sync(() => void child.kill(name)),
      gauge: () => gauge(child.pid)
    }))
  )

/** Starts a server and waits until it serves, with the default settings that `env` does not set. */
export const start = Effect.fnUntraced(function* (
  command: "serve" | "demo",
  env: Readonly<Record<string, string>>,
  flags: ReadonlyArray<string> = [],
  nodeFlags: ReadonlyArray<string> = [],
  program?: string
): Effect.fn.Return<Process, never, Scope.Scope> {
  return yield* serving(yield* launch([command, ...flags], { ...defaults, ...env }, nodeFlags, program))
})

/** Starts `serve`. */
export const serve = (
  env: Readonly<Record<string, string>>,
  flags: ReadonlyArray<string> = []
): Effect.Effect<Serving, never, Scope.Scope> =>
  Effect.map(start("serve", env, flags), (process) => ({
    ...process,
    end: Effect.gen(function* () {
      yield* process.signal("SIGTERM")
      assert.deepEqual(yield* process.ended, { code: 0, signal: null }, process.output().slice(-2000))
    })
  }))
