/**
 * The user that the embedded server runs as. PostgreSQL refuses uid 0, so root runs it as the system user
 * `hydracore-postgres`, which it makes once. Any other user runs it as itself.
 *
 * Where no user can be made (a read-only `/etc`, no `useradd`), it is `nobody`. Any process of `nobody` can read the files of
 * `nobody`; that is logged.
 *
 * @module
 */
import { execFile } from "node:child_process"
import os from "node:os"
import { Effect, Option } from "effect"
import { type EmbeddedClusterError, elsewhere, fail } from "./EmbeddedClusterError.ts"

export interface User {
  /** What `spawn` needs to start a process as this user; empty where that is ourselves. */
  readonly ids: { readonly uid?: number; readonly gid?: number }
  /** The uid that owns the server's files, as `stat` reports it. */
  readonly uid: number
  readonly gid: number
  /** Whether this is somebody else than ourselves, who may not be able to reach our folders. */
  readonly other: boolean
}

export interface Output {
  /** The exit code; null where the command could not be started or was killed. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a short command as the user, away from our own folder. Never fails: what went wrong is in the output. */
export const run = (user: Pick<User, "ids">, command: string, ...args: ReadonlyArray<string>): Effect.Effect<Output> =>
  Effect.callback((resume) => {
    const child = (() => {
      try {
        return execFile(
          command,
          args,
          { ...user.ids, cwd: "/", timeout: 30_000, maxBuffer: 1024 * 1024 },
          (error, stdout, stderr) =>
            resume(
              Effect.succeed({
                code: error === null ? 0 : typeof error.code === "number" ? error.code : null,
                stdout,
                stderr: stderr === "" && error !== null ? error.message : stderr
              })
            )
        )
      } catch (cause) {
        resume(Effect.succeed({ code: null, stdout: "", stderr: String(cause) }))
        return undefined
      }
    })()
    return Effect.sync(() => child?.kill("SIGKILL"))
  })

/** Whether the user can enter the folder, every parent included. */
export const canEnter = (user: User, folder: string): Effect.Effect<boolean> =>
  user.other
    ? Effect.map(run(user, "/bin/sh", "-c", 'cd "$0"', folder), ({ code }) => code === 0)
    : Effect.succeed(true)

/** A user of the system by name. */
const named = Effect.fnUntraced(function* (name: string): Effect.fn.Return<Option.Option<User>> {
  const uid = yield* run({ ids: {} }, "id", "-u", name)
  const gid = yield* run({ ids: {} }, "id", "-g", name)
  const [u, g] = [Number(uid.stdout.trim() || Number.NaN), Number(gid.stdout.trim() || Number.NaN)]
  return Number.isInteger(u) && Number.isInteger(g) && u !== 0
    ? // macOS calls nobody -2: spawn takes the signed number, the file system the unsigned one.
      Option.some({ ids: { uid: u, gid: g }, uid: u >>> 0, gid: g >>> 0, other: true })
    : Option.none()
})

/** Why no process can be started as the user; empty if one can. */
const obstacle = (user: User): Effect.Effect<string> =>
  Effect.map(run(user, "/bin/sh", "-c", ":"), ({ code, stderr }) =>
    code === 0 ? "" : stderr.trim() || "it did not start"
  )

const ownName = "hydracore-postgres"

/** Debian's, Red Hat's and most others'; then that of BusyBox (Alpine), which makes the group first. */
const makeUser = Effect.gen(function* () {
  const flags = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
  const made = yield* run({ ids: {} }, "useradd", ...flags, "--shell", "/usr/sbin/nologin", ownName)
  if (made.code !== null) return
  yield* run({ ids: {} }, "addgroup", "-S", ownName)
  yield* run({ ids: {} }, "adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", "-G", ownName, ownName)
})

/** How often the user is looked for after an attempt to make it: another process may hold the lock of `/etc/passwd`. */
const attempts = 5

const own: Effect.Effect<Option.Option<User>> = Effect.gen(function* () {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = yield* named(ownName)
    if (Option.isSome(found)) return (yield* obstacle(found.value)) === "" ? found : Option.none<User>()
    if (attempt > 0) yield* Effect.sleep("200 millis")
    yield* makeUser
  }
  return yield* named(ownName)
})

const nobody: Effect.Effect<User, EmbeddedClusterError> = Effect.gen(function* () {
  const user = yield* named("nobody")
  if (Option.isNone(user)) {
    return yield* fail(
      "NoUser",
      `PostgreSQL does not run as root, no user can be made for it, and this machine has no user "nobody". ` +
        `Start as another user, or: ${elsewhere}`
    )
  }
  const reason = yield* obstacle(user.value)
  if (reason !== "") {
    return yield* fail(
      "NoUser",
      `PostgreSQL does not run as root, and this process may not start others as "nobody" (${reason}). ` +
        `Start as another user, or: ${elsewhere}`
    )
  }
  yield* Effect.logWarning(
    "PostgreSQL runs as nobody, so other processes of nobody can read its files: no user of its own can be made, " +
      "or its data was made by nobody"
  )
  return user.value
})

/** For root: the user that made the data, if there are any; else the server's own, or `nobody`. */
const forRoot = Effect.fnUntraced(function* (dataOwner: number | undefined) {
  if (dataOwner !== undefined) {
    const user = yield* named("nobody")
    if (Option.isSome(user) && user.value.uid === dataOwner) return yield* nobody
  }
  const user = yield* own
  return Option.isSome(user) ? user.value : yield* nobody
})

/**
 * The user that the server runs as, or `NoUser`.
 *
 * @param dataOwner the uid that owns the data, where there are any: earlier versions ran as `nobody`.
 */
export const find = (dataOwner: number | undefined): Effect.Effect<User, EmbeddedClusterError> =>
  Effect.suspend(() => {
    const uid = process.geteuid?.()
    const gid = process.getegid?.()
    if (uid === undefined || gid === undefined) {
      return fail("NoUser", `The embedded PostgreSQL runs on Linux and macOS only. ${elsewhere}`)
    }
    if (uid === 0) return forRoot(dataOwner)
    try {
      os.userInfo()
    } catch {
      return fail(
        "NoUser",
        `PostgreSQL needs a user that the system knows, and user id ${uid} has no name. ${elsewhere}`
      )
    }
    return Effect.succeed({ ids: {}, uid, gid, other: false })
  })
