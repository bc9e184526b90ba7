/**
 * Child processes of the bench. Each is ended when its scope closes. Linux only.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs"
import { connect } from "node:net"
import { performance } from "node:perf_hooks"
import { Data, Effect, type Scope } from "effect"

/** Why the bench cannot continue, as a sentence for the user. */
export class BenchError extends Data.TaggedError("BenchError")<{ readonly message: string }> {}

export interface Command {
  /** Used in messages and as the name of the log file. */
  readonly name: string
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface Program {
  readonly name: string
  readonly pid: number
  /** When it was started, on the clock of `performance.now()`. */
  readonly startedAt: number
  /** Its standard output and standard error so far. */
  readonly output: () => string
  readonly hasExited: () => boolean
  /** Waits for its exit code; null if a signal ended it. */
  readonly exitCode: Effect.Effect<number | null>
}

/** The minimal environment of every program: where to find programs, and English messages. */
const environment = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", LC_ALL: "C", TZ: "UTC" }

/** Children that are killed when this process exits, in case their scopes were not closed. */
const running = new Set<ChildProcess>()
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

/** Makes the kernel kill the program if this process dies. `setpriv` executes the program, so the process id stays the same. */
const withParentDeathSignal = ({ args, file }: Command): readonly [string, ReadonlyArray<string>] => [
  "setpriv",
  ["--pdeathsig", "KILL", "--", file, ...args]
]

const killAfterMillis = 20_000

const stop = (child: ChildProcess, exitCode: Promise<unknown>): Effect.Effect<void> =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const timer = setTimeout(() => child.kill("SIGKILL"), killAfterMillis)
    child.kill("SIGTERM")
    await exitCode
    clearTimeout(timer)
  })

/** Starts a program that logs into `folder`. When the scope closes it gets SIGTERM, and SIGKILL 20 s later. */
export const start = (folder: string, command: Command): Effect.Effect<Program, BenchError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const log = `${folder}/${command.name.replaceAll(/[^\w.-]/g, "_")}-${process.hrtime.bigint()}.log`
        const logHandle = openSync(log, "a")
        const [file, args] = withParentDeathSignal(command)
        const startedAt = performance.now()
        const child = spawn(file, args, {
          stdio: ["ignore", logHandle, logHandle],
          env: { ...environment, ...command.env },
          cwd: command.cwd ?? folder,
          // Ctrl-C must reach only the bench, which then ends the programs in order.
          detached: true
        })
        closeSync(logHandle)
        running.add(child)
        const exitCode = new Promise<number | null>((resolve) => {
          child.once("exit", resolve)
          child.once("error", () => resolve(null))
        }).finally(() => running.delete(child))
        const program: Program = {
          name: command.name,
          pid: child.pid ?? 0,
          startedAt,
          output: () => readFileSync(log, "utf8"),
          hasExited: () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null,
          exitCode: Effect.promise(() => exitCode)
        }
        return { child, exitCode, program }
      },
      catch: (cause) => new BenchError({ message: `${command.name} could not be started: ${cause}` })
    }),
    ({ child, exitCode }) => stop(child, exitCode)
  ).pipe(Effect.map(({ program }) => program))

const endOfLog = (program: Program): string => program.output().trim().split("\n").slice(-6).join(" | ")

/** Runs a program to its end and returns its output; fails if its exit code is not 0. */
export const run = (folder: string, command: Command): Effect.Effect<string, BenchError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const program = yield* start(folder, command)
      const code = yield* program.exitCode
      if (code !== 0) {
        return yield* new BenchError({ message: `${program.name} exited with code ${code}: ${endOfLog(program)}` })
      }
      return program.output()
    })
  )

/** Calls `check` until it returns a value. Fails if the program exits or the deadline passes before that. */
export const awaitState = <A>(
  program: Program,
  state: string,
  check: () => Promise<A | undefined>,
  options: { readonly everyMillis: number; readonly deadlineMillis: number }
): Effect.Effect<A, BenchError> =>
  Effect.gen(function* () {
    const deadline = performance.now() + options.deadlineMillis
    for (;;) {
      const found = yield* Effect.promise(check)
      if (found !== undefined) return found
      if (program.hasExited() || performance.now() > deadline) {
        const why = program.hasExited() ? "exited" : "took too long"
        return yield* new BenchError({ message: `${program.name} ${why} before ${state}: ${endOfLog(program)}` })
      }
      yield* Effect.sleep(options.everyMillis)
    }
  })

const isListening = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(undefined))
  })

/** Starts a server and waits until it listens on its port. */
export const serve = Effect.fnUntraced(function* (folder: string, command: Command, port: number) {
  const program = yield* start(folder, command)
  yield* awaitState(program, "it listened", () => isListening(port), { everyMillis: 5, deadlineMillis: 30_000 })
  return program
})

/** The resident memory of a process, in MB (10^6 bytes). */
export const memoryOf = (pid: number): number => {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
  return (Number(kilobytes) * 1024) / 1e6
}

/** The number of descriptors that a process has open. */
export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/** Returns the result of `effect`, and the program's peak memory in MB while it runs, sampled five times a second. */
export const withPeakMemory = <A, E, R>(
  program: Program,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<readonly [A, number], E, R> =>
  Effect.suspend(() => {
    let peak = memoryOf(program.pid)
    const timer = setInterval(() => {
      if (!program.hasExited()) peak = Math.max(peak, memoryOf(program.pid))
    }, 200)
    return effect.pipe(
      Effect.map((value) => [value, peak] as const),
      Effect.ensuring(Effect.sync(() => clearInterval(timer)))
    )
  })
