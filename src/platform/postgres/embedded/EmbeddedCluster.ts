/**
 * An embedded PostgreSQL server, for machines without one: durable, and reachable by a Unix socket only.
 *
 * It runs until its scope closes or this process ends: a small shell supervises the server and holds a pipe from this process.
 * The kernel closes the pipe however the process ends, and the shell then shuts the server down (fast and clean). Committed
 * data is on disk (fsync is on unless a test disables it), so that it survives a kill -9 of all these processes.
 *
 * One process uses a folder at a time. A second one is refused with the first one's process id; it does not connect to the
 * running server, which would end together with the first process.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process"
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync
} from "node:fs"
import path from "node:path"
import { Clock, Effect, Option, type Scope } from "effect"
import * as SystemErrorCode from "../../text/SystemErrorCode.ts"
import * as Binaries from "./Binaries.ts"
import * as Folder from "./DataFolder.ts"
import { type EmbeddedClusterError, fail, io, otherFolder } from "./EmbeddedClusterError.ts"
import * as User from "./SystemUser.ts"

export { EmbeddedClusterError } from "./EmbeddedClusterError.ts"

export interface Options {
  /** The folder for everything; created if missing. */
  readonly dataDir: string
  /** PostgreSQL settings, such as `{ fsync: "off" }`. They cannot change the address. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface EmbeddedCluster {
  /** The path of the Unix socket. */
  readonly path: string
  readonly username: string
  readonly database: string
  /** A URL of the database, for psql and `PgClient`. It contains no secret, since the server requires no password. */
  readonly url: string
  /** The folder of the server's files: `dataDir`, or another folder whose path is recorded in `dataDir`. */
  readonly home: string
}

/**
 * The default settings. They keep statements and values, which contain addresses and form contents, out of the log.
 */
const defaults = {
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_checkpoints: "off"
}

/** Runs the script `$0` without this process's environment, which may contain keys that the server's user could read. */
const clean = 'exec env -i PATH="$PATH" LC_ALL=C TZ=UTC /bin/sh -c "$0" "$@"'

/**
 * Runs the program `$0` with its arguments until it ends, or shuts it down when standard input, the pipe from this process,
 * closes. Once the program has ended, the watcher is killed, so that it never signals a later process with the same id.
 */
const supervised = `exec 3<&0
"$0" "$@" </dev/null 3<&- &
program=$!
(cat <&3 >/dev/null; kill -INT $program 2>/dev/null) &
watcher=$!
exec 3<&-
wait $program
status=$?
kill -KILL $watcher 2>/dev/null
exit $status`

interface Running {
  readonly child: ChildProcess
  /** The exit code, once the program has ended; null if a signal ended it or it could not start. */
  readonly ended: Promise<number | null>
  readonly hasEnded: () => boolean
}

/** Starts a program under the supervisor, in its own session, so that Ctrl-C in the terminal does not reach it. */
const launch = (
  user: User.User,
  home: string,
  program: string,
  args: ReadonlyArray<string>
): Effect.Effect<Running, EmbeddedClusterError> =>
  io(`start ${program}`, () => {
    const log = openSync(path.join(home, "postgres.log"), "a", 0o600)
    try {
      const child = spawn("/bin/sh", ["-c", clean, supervised, program, ...args], {
        ...user.ids,
        cwd: home,
        detached: true,
        stdio: ["pipe", log, log]
      })
      let hasEnded = false
      const ended = new Promise<number | null>((resolve) => {
        const end = (code: number | null) => {
          hasEnded = true
          child.stdin?.destroy()
          resolve(code)
        }
        child.once("exit", end)
        child.once("error", () => end(null))
      })
      child.stdin?.on("error", () => {})
      return { child, ended, hasEnded: () => hasEnded }
    } finally {
      closeSync(log)
    }
  })

/**
 * Closes the pipe and waits for the server's shutdown. After 30 seconds, ends the server at once; PostgreSQL then recovers at its
 * next start.
 */
const stop = ({ child, ended }: Running): Effect.Effect<void> =>
  Effect.promise(() => {
    child.ref()
    child.stdin?.end()
    return ended
  }).pipe(
    Effect.timeoutOrElse({
      duration: "30 seconds",
      orElse: () =>
        Effect.promise(() => {
          if (child.pid !== undefined) process.kill(-child.pid, "SIGQUIT")
          return ended
        })
    }),
    Effect.asVoid
  )

/** The last lines of the log, for an error's message. */
const logTail = (home: string): string => {
  try {
    return readFileSync(path.join(home, "postgres.log"), "utf8").slice(-2000).trim().split("\n").slice(-4).join(" | ")
  } catch {
    return "its log cannot be read"
  }
}

/** Creates the data folder if missing. Atomic: the folder is renamed to its final name last. */
const initialize = Effect.fnUntraced(function* (
  user: User.User,
  home: string,
  { initdb, major }: Binaries.Binaries,
  durable: boolean
) {
  const data = path.join(home, "data")
  yield* io(`remove unfinished folders in ${home}`, () => {
    for (const name of readdirSync(home)) {
      if (name.startsWith("data.new-")) rmSync(path.join(home, name), { recursive: true, force: true })
    }
  })
  if (existsSync(data)) return data
  const draft = yield* Folder.makeDraft(home, user)
  const args = ["-D", draft, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-instructions"]
  // Text sorts by code point on every machine. From version 17 on, letters beyond ASCII are also classified.
  args.push("--locale=C", ...(major >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : []))
  if (!durable) args.push("--no-sync")
  const code = yield* Effect.acquireUseRelease(
    launch(user, home, initdb, args),
    ({ ended }) => Effect.promise(() => ended),
    stop
  )
  if (code !== 0) {
    return yield* fail("InitFailed", `PostgreSQL could not make its data folder in ${home}: ${logTail(home)}`)
  }
  yield* io(`rename ${draft} to ${data}`, () => {
    renameSync(draft, data)
    const folder = openSync(home, "r")
    if (durable) fsyncSync(folder)
    closeSync(folder)
  })
  return data
})

/** What `postmaster.pid` says, PostgreSQL's lock file in its data folder. */
interface PidFile {
  readonly pid: number
  readonly status: string
}

const pidFilePath = (data: string) => path.join(data, "postmaster.pid")

const readPidFile = (data: string): Option.Option<PidFile> => {
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
  const { code, stdout } = yield* User.run({ ids: {} }, "ps", "-p", String(pid), "-o", "stat=", "-o", "command=")
  if (code !== 0) return Option.some("")
  return Option.liftPredicate(stdout.trim(), (line) => !line.startsWith("Z") && isServer(line))
})

/** Milliseconds of the monotonic clock. */
const elapsed = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** How long to wait for a left-over server before signalling it, and before giving up. Milliseconds. */
const waitLimits = { signal: 5_000, fail: 60_000 }

/**
 * Waits until no server runs on the data folder. Only the holder of the cluster's lock (`DataFolder.lock`) waits, so a server that
 * runs before the holder has started one is left over from a process that ended. A left-over server usually ends within a second after the process that started
 * it. After five seconds it gets a signal, since the watcher that would stop it may have been killed as well. A process whose
 * command line does not name the folder gets none: it may be the server of another folder. After sixty seconds the wait fails
 * with `InUse` and the server's process id.
 */
export const awaitGone = Effect.fnUntraced(function* (data: string): Effect.fn.Return<void, EmbeddedClusterError> {
  const since = yield* elapsed
  let isSignalled = false
  while (true) {
    const pidFile = readPidFile(data)
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

/** How long to wait for a recovery, in milliseconds. */
const maxRecoveryMillis = 300_000

/** Waits until the server accepts connections; false if it has ended, or if its recovery takes more than five minutes. */
const awaitReady = Effect.fnUntraced(function* (data: string, hasEnded: () => boolean) {
  const until = (yield* elapsed) + maxRecoveryMillis
  while (!hasEnded() && (yield* elapsed) < until) {
    const pidFile = readPidFile(data)
    if (Option.isSome(pidFile) && pidFile.value.status === "ready") return true
    yield* Effect.sleep("10 millis")
  }
  return false
})

/** Checks that the data belongs to this user and to this major version. */
const check = Effect.fnUntraced(function* (user: User.User, data: string, major: number) {
  const owner = yield* io(`read ${data}`, () => statSync(data).uid)
  if (owner !== user.uid) {
    return yield* fail(
      "FolderUnusable",
      `${data} belongs to user id ${owner}, but the server would run as user id ${user.uid}. To leave that database as it is, ` +
        `${otherFolder}. To use it, start as the user who made it; or, while nothing uses it, give it to the server's user: ` +
        `sudo chown -R ${user.uid}:${user.gid} '${data}'`
    )
  }
  const version = yield* io(`read the version of ${data}`, () =>
    readFileSync(path.join(data, "PG_VERSION"), "utf8").trim()
  )
  if (version !== String(major)) {
    return yield* fail(
      "WrongVersion",
      `${data} was made by PostgreSQL ${version}, and this is ${major}. Dump the data with PostgreSQL ${version} and load ` +
        "it into a new folder."
    )
  }
})

/**
 * Starts the cluster of a folder, creating it if missing, and stops it when the scope closes. Succeeds once the server accepts
 * connections. If an earlier server still runs after an unclean end, waits until it has ended.
 */
export const start = Effect.fn("EmbeddedCluster.start")(function* (
  options: Options
): Effect.fn.Return<EmbeddedCluster, EmbeddedClusterError, Scope.Scope> {
  const user = yield* User.find
  const dataDir = yield* Folder.make(path.resolve(options.dataDir), user)
  yield* Folder.lock(dataDir)
  const home = yield* Folder.homeOf(dataDir, user)
  const binaries = yield* Binaries.find(user, home)
  const log = path.join(home, "postgres.log")
  yield* io(`rename ${log}`, () => existsSync(log) && renameSync(log, `${log}.1`))
  const data = yield* initialize(user, home, binaries, options.settings?.["fsync"] !== "off")
  yield* check(user, data, binaries.major)
  yield* awaitGone(data)
  const socketFolder = yield* Folder.makeSocketFolder(home, user)

  const settings = Object.entries({
    ...defaults,
    ...options.settings,
    ...(yield* Folder.access(home, user, binaries.major)),
    listen_addresses: "",
    unix_socket_directories: socketFolder,
    unix_socket_permissions: "0700",
    port: "5432"
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  const server = yield* Effect.acquireRelease(launch(user, home, binaries.postgres, ["-D", data, ...settings]), stop)
  const ready = yield* awaitReady(data, server.hasEnded)
  if (!ready) return yield* fail("StartFailed", `PostgreSQL did not start in ${home}: ${logTail(home)}`)
  server.child.unref()

  const [username, database] = ["postgres", "postgres"]
  // The socket's folder as the host: unlike a query string with `?` and `&`, it can be pasted into a shell unquoted.
  const url = `postgresql://${username}@${encodeURIComponent(socketFolder)}/${database}`
  return { path: Folder.socketIn(socketFolder), username, database, url, home }
})
