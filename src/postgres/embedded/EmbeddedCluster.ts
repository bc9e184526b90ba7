/**
 * A PostgreSQL of our own, for machines that have none: real, durable, reached by a Unix socket only.
 *
 * It lives exactly as long as its scope, or as our process: the server stands under a small shell that holds a pipe from us
 * and ends the server (a fast, clean shutdown) as soon as that pipe closes, which the kernel does however our process ends.
 * What was committed is on the disk (fsync is on unless a test says otherwise), so a kill -9 of everything loses nothing.
 *
 * One process uses a folder at a time. A second one is refused with the first one's process id; it does not join the running
 * server, since that would end under it together with the first.
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
import { Effect, type Scope } from "effect"
import * as Binaries from "./Binaries.ts"
import * as Folder from "./DataFolder.ts"
import { type EmbeddedClusterError, fail, io } from "./EmbeddedClusterError.ts"
import * as Postmaster from "./Postmaster.ts"
import * as User from "./SystemUser.ts"

export { EmbeddedClusterError } from "./EmbeddedClusterError.ts"

export interface Options {
  /** The folder that holds everything; made if it is missing. */
  readonly dataDir: string
  /** Settings of PostgreSQL's own, such as `{ fsync: "off" }`. The address to listen on is not for them to choose. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface EmbeddedCluster {
  /** The Unix socket, `username` and `database`: as `PgClient` takes them. */
  readonly path: string
  readonly username: string
  readonly database: string
  /** The same as one address that psql and `PgClient` take. It holds no secret: who may enter the folder is who may connect. */
  readonly url: string
  /** Where the server's files stand: `dataDir`, or the place that it records. */
  readonly home: string
}

/**
 * What the server is told unless `settings` say otherwise. Statements and their values stay out of its log, since they hold
 * addresses and forms; the log is then a few lines per start.
 */
const defaults = {
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_checkpoints: "off"
}

/**
 * `$0` and its arguments run until they end by themselves or our end of standard input closes. The watcher is ended first
 * when the program has ended, so that it never signals a process that got the same id later. The outer line drops our
 * environment: it may hold keys, and the server's user could read them.
 */
const clean = 'exec env -i PATH="$PATH" LC_ALL=C TZ=UTC /bin/sh -c "$0" "$@"'
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
  /** The exit code, once it has ended; null where a signal ended it or it could not be started. */
  readonly ended: Promise<number | null>
  /** Whether it has ended. */
  readonly over: () => boolean
}

/** Starts a program under the supervisor, in a session of its own: Ctrl-C in the terminal is ours to act on. */
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
      let over = false
      const ended = new Promise<number | null>((resolve) => {
        const end = (code: number | null) => {
          over = true
          child.stdin?.destroy()
          resolve(code)
        }
        child.once("exit", end)
        child.once("error", () => end(null))
      })
      child.stdin?.on("error", () => {})
      return { child, ended, over: () => over }
    } finally {
      closeSync(log)
    }
  })

/** Closes the pipe and waits: the server finishes its shutdown. After 30 seconds it is ended at once; it recovers later. */
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
const lastWords = (home: string): string => {
  try {
    return readFileSync(path.join(home, "postgres.log"), "utf8").slice(-2000).trim().split("\n").slice(-4).join(" | ")
  } catch {
    return "it said nothing"
  }
}

/** Makes the data folder, where there is none: all of it or nothing, since it gets its name last. */
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
  const draft = yield* Folder.draft(home, user)
  const args = ["-D", draft, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-instructions"]
  // Texts sort by code point on every machine; the later versions also know the letters beyond ASCII then.
  args.push("--locale=C", ...(major >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : []))
  if (!durable) args.push("--no-sync")
  const code = yield* Effect.acquireUseRelease(
    launch(user, home, initdb, args),
    ({ ended }) => Effect.promise(() => ended),
    stop
  )
  if (code !== 0) {
    return yield* fail("InitFailed", `PostgreSQL could not make its data folder in ${home}: ${lastWords(home)}`)
  }
  yield* io(`name ${data}`, () => {
    renameSync(draft, data)
    const folder = openSync(home, "r")
    if (durable) fsyncSync(folder)
    closeSync(folder)
  })
  return data
})

/** Whether the data can be served by these programs, run by this user. */
const check = Effect.fnUntraced(function* (user: User.User, data: string, major: number) {
  const owner = yield* io(`read ${data}`, () => statSync(data).uid)
  if (owner !== user.uid) {
    return yield* fail(
      "FolderUnusable",
      `${data} belongs to user id ${owner}, but the server would run as user id ${user.uid}. Start as the user who made it, ` +
        `give it to the other (chown -R), or choose another folder.`
    )
  }
  const version = yield* io(`read the version of ${data}`, () =>
    readFileSync(path.join(data, "PG_VERSION"), "utf8").trim()
  )
  if (version !== String(major)) {
    return yield* fail(
      "WrongVersion",
      `${data} was made by PostgreSQL ${version}, and this is ${major}. Install the version before, dump the data and load it ` +
        "into a new folder."
    )
  }
})

/**
 * Starts the cluster of a folder, making it first where there is none, and stops it when the scope closes. Ready to connect
 * when this succeeds. After an unclean end it waits until the old server is down, and PostgreSQL recovers by itself.
 */
export const start = Effect.fn("EmbeddedCluster.start")(function* (
  options: Options
): Effect.fn.Return<EmbeddedCluster, EmbeddedClusterError, Scope.Scope> {
  const user = yield* User.find(yield* Folder.dataOwner(path.resolve(options.dataDir)))
  const dataDir = yield* Folder.make(path.resolve(options.dataDir), user)
  yield* Folder.lock(dataDir)
  const home = yield* Folder.homeOf(dataDir, user)
  const binaries = yield* Binaries.find(user, home)
  const log = path.join(home, "postgres.log")
  yield* io(`put ${log} aside`, () => existsSync(log) && renameSync(log, `${log}.1`))
  const data = yield* initialize(user, home, binaries, options.settings?.["fsync"] !== "off")
  yield* check(user, data, binaries.major)
  yield* Postmaster.awaitGone(data)
  const sockets = yield* Folder.socketsOf(home, user)

  const settings = Object.entries({
    ...defaults,
    ...options.settings,
    ...(yield* Folder.access(home, user, binaries.major)),
    listen_addresses: "",
    unix_socket_directories: sockets,
    unix_socket_permissions: "0700",
    port: "5432"
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  const server = yield* Effect.acquireRelease(launch(user, home, binaries.postgres, ["-D", data, ...settings]), stop)
  const ready = yield* Postmaster.awaitReady(data, Folder.socketIn(sockets), server.over)
  if (!ready) return yield* fail("StartFailed", `PostgreSQL did not start in ${home}: ${lastWords(home)}`)
  server.child.unref()

  const [username, database] = ["postgres", "postgres"]
  // The folder in the host's place: nothing in it means anything to a shell that it is pasted into, as ? and & do.
  const url = `postgresql://${username}@${encodeURIComponent(sockets)}/${database}`
  return { path: Folder.socketIn(sockets), username, database, url, home }
})
