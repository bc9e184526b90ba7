/**
 * The programs that the bench starts: each is awaited by what it does and ended with its scope. Linux alone.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { performance } from "node:perf_hooks"
import { Data, Effect, type Scope } from "effect"

/** Why the bench cannot go on, in one sentence. */
export class BenchError extends Data.TaggedError("BenchError")<{ readonly message: string }> {}

export interface Command {
  /** What it is called in sentences, and its log file. */
  readonly name: string
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface Program {
  readonly name: string
  readonly pid: number
  /** When it was started, as `performance.now()` tells it. */
  readonly startedAt: number
  /** What it wrote to its standard output and error so far. */
  readonly said: () => string
  readonly over: () => boolean
  /** Waits for its end: the exit code, null where a signal ended it. */
  readonly ended: Effect.Effect<number | null>
}

/** All that is passed on of our own environment: what a program needs to be found and to speak English. */
const environment = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", LC_ALL: "C", TZ: "UTC" }

/** Whoever is still there when this process exits in whatever way is killed; the kernel sees to it where it is itself. */
const alive = new Set<ChildProcess>()
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL")
})

/** Has the kernel kill the program when we are gone. `setpriv` becomes the program, so its process id is the same. */
const tied = ({ args, file }: Command): readonly [string, ReadonlyArray<string>] => [
  "setpriv",
  ["--pdeathsig", "KILL", "--", file, ...args]
]

const patienceMillis = 20_000

const stop = (child: ChildProcess, ended: Promise<unknown>): Effect.Effect<void> =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const timer = setTimeout(() => child.kill("SIGKILL"), patienceMillis)
    child.kill("SIGTERM")
    await ended
    clearTimeout(timer)
  })

/** Starts a program; it is told to end when the scope closes, and killed if it does not. `folder` takes its log. */
export const start = (folder: string, command: Command): Effect.Effect<Program, BenchError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const log = `${folder}/${command.name.replaceAll(/[^\w.-]/g, "_")}-${process.hrtime.bigint()}.log`
        const output = openSync(log, "a")
        const [file, args] = tied(command)
        const startedAt = performance.now()
        const child = spawn(file, args, {
          stdio: ["ignore", output, output],
          env: { ...environment, ...command.env },
          cwd: command.cwd ?? folder,
          // Ctrl-C in the terminal is for us: we end the programs in order.
          detached: true
        })
        closeSync(output)
        alive.add(child)
        const ended = new Promise<number | null>((resolve) => {
          child.once("exit", resolve)
          child.once("error", () => resolve(null))
        }).finally(() => alive.delete(child))
        const program: Program = {
          name: command.name,
          pid: child.pid ?? 0,
          startedAt,
          said: () => readFileSync(log, "utf8"),
          over: () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null,
          ended: Effect.promise(() => ended)
        }
        return { child, ended, program }
      },
      catch: (cause) => new BenchError({ message: `${command.name} could not be started: ${cause}` })
    }),
    ({ child, ended }) => stop(child, ended)
  ).pipe(Effect.map(({ program }) => program))

const lastWords = (program: Program): string => program.said().trim().split("\n").slice(-6).join(" | ")

/** Runs a program to its end and gives what it wrote; fails if its exit code is not 0. */
export const run = (folder: string, command: Command): Effect.Effect<string, BenchError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const program = yield* start(folder, command)
      const code = yield* program.ended
      if (code !== 0) {
        return yield* new BenchError({ message: `${program.name} ended with ${code}: ${lastWords(program)}` })
      }
      return program.said()
    })
  )

/** Waits until `look` gives something, asking every few milliseconds for as long as the program runs. */
export const awaitState = <A>(
  program: Program,
  what: string,
  look: () => Promise<A | undefined>,
  options: { readonly everyMillis: number; readonly deadlineMillis: number }
): Effect.Effect<A, BenchError> =>
  Effect.gen(function* () {
    const deadline = performance.now() + options.deadlineMillis
    for (;;) {
      const found = yield* Effect.promise(look)
      if (found !== undefined) return found
      if (program.over() || performance.now() > deadline) {
        const why = program.over() ? "ended" : "took too long"
        return yield* new BenchError({ message: `${program.name} ${why} before ${what}: ${lastWords(program)}` })
      }
      yield* Effect.sleep(options.everyMillis)
    }
  })

/** Whether somebody listens on a port of this machine. */
const listens = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(undefined))
  })

/** Starts a program that listens on a port, and waits until it does. */
export const serve = Effect.fnUntraced(function* (folder: string, command: Command, port: number) {
  const program = yield* start(folder, command)
  yield* awaitState(program, "it listened", () => listens(port), { everyMillis: 5, deadlineMillis: 30_000 })
  return program
})

/** A port that nobody uses now. */
export const freePort: Effect.Effect<number> = Effect.promise(
  () =>
    new Promise<number>((resolve, reject) => {
      const server = createServer()
      server.once("error", reject)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
      })
    })
)

/** The memory of a process that is in RAM, in MB (10^6 bytes). */
export const memoryOf = (pid: number): number => {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
  return (Number(kilobytes) * 1024) / 1e6
}

/** The children of a process that have not ended. */
const childrenOf = (pid: number): ReadonlyArray<number> =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((child) => child !== "")
    .map(Number)

/** How long a process and its children have had a processor, in microseconds. The kernel counts in hundredths of a second. */
export const processorTimeOf = (pid: number): number =>
  [pid, ...childrenOf(pid)].reduce((sum, each) => {
    // After the name, which may hold anything but stands in parentheses.
    const fields = readFileSync(`/proc/${each}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ")
    return sum + (Number(fields[11]) + Number(fields[12])) * 10_000
  }, 0)

/** How many descriptors a process has open. */
export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/** The most memory that a process has while `effect` runs, looked at five times a second, in MB. */
export const mostMemory = <A, E, R>(
  program: Program,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<readonly [A, number], E, R> =>
  Effect.suspend(() => {
    let most = memoryOf(program.pid)
    const timer = setInterval(() => {
      if (!program.over()) most = Math.max(most, memoryOf(program.pid))
    }, 200)
    return effect.pipe(
      Effect.map((value) => [value, most] as const),
      Effect.ensuring(Effect.sync(() => clearInterval(timer)))
    )
  })
