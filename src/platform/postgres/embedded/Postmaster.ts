/**
 * Waits until a left-over server is gone, and until a new one is ready. Reads `postmaster.pid` for this, which is PostgreSQL's
 * lock file in its data folder. Only the holder of the cluster's lock (`DataFolder.lock`) waits, so a server that runs before
 * the holder has started one is left over from a process that ended.
 *
 * @module
 */
import { existsSync, readFileSync, rmSync } from "node:fs"
import { connect } from "node:net"
import path from "node:path"
import { Clock, Effect, Option } from "effect"
import * as SystemErrorCode from "../../text/SystemErrorCode.ts"
import { type EmbeddedClusterError, fail, io } from "./EmbeddedClusterError.ts"
import { run } from "./SystemUser.ts"

interface PidFile {
  readonly pid: number
  readonly status: string
}

const pidFilePath = (data: string) => path.join(data, "postmaster.pid")

const read = (data: string): Option.Option<PidFile> => {
  try {
    const lines = readFileSync(pidFilePath(data), "utf8").split("\n")
    const pid = Number(lines[0])
    return Number.isInteger(pid) && pid > 0 ? Option.some({ pid, status: (lines[7] ?? "").trim() }) : Option.none()
  } catch {
    return Option.none()
  }
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return SystemErrorCode.of(cause) === "EPERM"
  }
}

/** Whether a command line is that of a PostgreSQL process. */
const isServer = (command: string): boolean => command.includes("postgres")

/**
 * The command line of the process of `postmaster.pid`, if the process may be a server that still uses the folder; empty if the
 * command line cannot be read. The id may by now belong to another process (after a restart of the machine or the container) or
 * to a zombie (in a container without an init).
 */
const commandOf = Effect.fnUntraced(function* ({ pid }: PidFile): Effect.fn.Return<Option.Option<string>> {
  if (!alive(pid)) return Option.none()
  if (existsSync("/proc/self/cmdline")) {
    try {
      return Option.liftPredicate(readFileSync(`/proc/${pid}/cmdline`, "utf8"), isServer)
    } catch {
      return alive(pid) ? Option.some("") : Option.none()
    }
  }
  // On macOS, the rest of an option after `=` is the header, so each column needs its own `-o`.
  const { code, stdout } = yield* run({ ids: {} }, "ps", "-p", String(pid), "-o", "stat=", "-o", "command=")
  if (code !== 0) return Option.some("")
  return Option.liftPredicate(stdout.trim(), (line) => !line.startsWith("Z") && isServer(line))
})

/** Milliseconds of the monotonic clock. */
const elapsed = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** How long to wait for a left-over server before signalling it, and before giving up. Milliseconds. */
const waitLimits = { signal: 5_000, fail: 60_000 }

/**
 * Waits until no server runs on the data folder. A left-over server usually ends within a second after the process that started
 * it. After five seconds it gets a signal, since the watcher that would stop it may have been killed as well. A process whose
 * command line does not name the folder gets none: it may be the server of another folder. After sixty seconds the wait fails
 * with `InUse` and the server's process id.
 */
export const awaitGone = Effect.fnUntraced(function* (data: string): Effect.fn.Return<void, EmbeddedClusterError> {
  const since = yield* elapsed
  let isSignalled = false
  while (true) {
    const pidFile = read(data)
    if (Option.isNone(pidFile)) return
    const command = yield* commandOf(pidFile.value)
    if (Option.isNone(command)) {
      // PostgreSQL would mistake a live process with this id for a server and refuse to start. Without this file, it still
      // finds a server that has not ended, by the server's shared memory.
      return yield* io(`remove ${pidFilePath(data)}`, () => rmSync(pidFilePath(data), { force: true }))
    }
    const waited = (yield* elapsed) - since
    if (waited > waitLimits.fail) {
      return yield* fail(
        "InUse",
        `A PostgreSQL server (pid ${pidFile.value.pid}) still runs on ${data}. Stop it first (kill -INT ${pidFile.value.pid}).`
      )
    }
    if (waited > waitLimits.signal && !isSignalled && command.value.includes(data)) {
      isSignalled = true
      yield* Effect.ignore(Effect.try(() => process.kill(pidFile.value.pid, "SIGINT")))
    }
    yield* Effect.sleep("20 millis")
  }
})

const canConnect = (socket: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const connection = connect(socket)
    connection.once("connect", () => {
      connection.destroy()
      resume(Effect.succeed(true))
    })
    connection.once("error", () => resume(Effect.succeed(false)))
    return Effect.sync(() => connection.destroy())
  })

/** How long to wait for a recovery, in milliseconds. */
const maxRecoveryMillis = 300_000

/** Waits until the server accepts connections; false if it has ended, or if its recovery takes more than five minutes. */
export const awaitReady = Effect.fnUntraced(function* (data: string, socket: string, hasEnded: () => boolean) {
  const until = (yield* elapsed) + maxRecoveryMillis
  while (!hasEnded() && (yield* elapsed) < until) {
    const pidFile = read(data)
    if (Option.isSome(pidFile) && pidFile.value.status === "ready" && (yield* canConnect(socket))) return true
    yield* Effect.sleep("10 millis")
  }
  return false
})
