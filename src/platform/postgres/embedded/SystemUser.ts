/**
 * The user that the embedded server runs as. PostgreSQL refuses uid 0, so root runs it as the system user
 * `hydracore-postgres`, which it creates once. Any other user runs it as itself.
 *
 * If no user can be created (a read-only `/etc`, no `useradd`), root runs it as `nobody` and logs a warning: any process of
 * `nobody` can read the files.
 *
 * @module
 */
import { execFile } from "node:child_process"
import os from "node:os"
import { Effect, Option } from "effect"
import { type EmbeddedClusterError, fail, otherServerAdvice } from "./EmbeddedClusterError.ts"

export interface User {
  /** The options for `spawn` to start a process as this user; empty for the current user. */
  readonly ids: { readonly uid?: number; readonly gid?: number }
  /** The uid that owns the server's files, as `stat` reports it. */
  readonly uid: number
  readonly gid: number
  /** Whether this is not the current user. Another user may be unable to enter this process's folders. */
  readonly isOther: boolean
}

export interface Output {
  /** The exit code; null if the command could not start or was killed. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a short command as the user, in `/`. Never fails: errors are in the output. */
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

/** Whether the user can enter the folder and all its parents. */
export const canEnter = (user: User, folder: string): Effect.Effect<boolean> =>
  user.isOther
    ? Effect.map(run(user, "/bin/sh", "-c", 'cd "$0"', folder), ({ code }) => code === 0)
    : Effect.succeed(true)

/** Looks up a system user by name. */
const named = Effect.fnUntraced(function* (name: string): Effect.fn.Return<Option.Option<User>> {
  const uid = yield* run({ ids: {} }, "id", "-u", name)
  const gid = yield* run({ ids: {} }, "id", "-g", name)
  const [u, g] = [Number(uid.stdout.trim() || Number.NaN), Number(gid.stdout.trim() || Number.NaN)]
  return Number.isInteger(u) && Number.isInteger(g) && u !== 0
    ? // On macOS, the uid of nobody is -2: `spawn` expects it signed, and `stat` reports it unsigned.
      Option.some({ ids: { uid: u, gid: g }, uid: u >>> 0, gid: g >>> 0, isOther: true })
    : Option.none()
})

/** Why no process can start as the user; empty if one can. */
const obstacle = (user: User): Effect.Effect<string> =>
  Effect.map(run(user, "/bin/sh", "-c", ":"), ({ code, stderr }) =>
    code === 0 ? "" : stderr.trim() || "it did not start"
  )

const systemUserName = "hydracore-postgres"

/** Runs `useradd` or, on systems without it, BusyBox's `adduser` (Alpine), which needs the group first. */
const makeUser = Effect.gen(function* () {
  const flags = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
  const made = yield* run({ ids: {} }, "useradd", ...flags, "--shell", "/usr/sbin/nologin", systemUserName)
  if (made.code !== null) return
  yield* run({ ids: {} }, "addgroup", "-S", systemUserName)
  yield* run({ ids: {} }, "adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", "-G", systemUserName, systemUserName)
})

/** The maximum number of attempts to create the user: another process may hold the lock of `/etc/passwd`. */
const attempts = 5

/** The system user, created if it does not exist. None if that fails, or if no process can start as that user. */
const systemUser: Effect.Effect<Option.Option<User>> = Effect.gen(function* () {
  for (let attempt = 0; ; attempt++) {
    const found = yield* named(systemUserName)
    if (Option.isSome(found)) return (yield* obstacle(found.value)) === "" ? found : Option.none<User>()
    if (attempt === attempts) return Option.none<User>()
    if (attempt > 0) yield* Effect.sleep("200 millis")
    yield* makeUser
  }
})

const nobody: Effect.Effect<User, EmbeddedClusterError> = Effect.gen(function* () {
  const user = yield* named("nobody")
  if (Option.isNone(user)) {
    return yield* fail(
      "NoUser",
      `PostgreSQL does not run as root, no user can be created for it, and this machine has no user "nobody". ` +
        `Start as another user, or: ${otherServerAdvice}`
    )
  }
  const reason = yield* obstacle(user.value)
  if (reason !== "") {
    return yield* fail(
      "NoUser",
      `PostgreSQL does not run as root, and this process may not start others as "nobody" (${reason}). ` +
        `Start as another user, or: ${otherServerAdvice}`
    )
  }
  yield* Effect.logWarning(
    'PostgreSQL runs as the user "nobody", so other processes of that user can read its files: no other user can be ' +
      "created for it"
  )
  return user.value
})

/** For root: the server's own user, or `nobody` if none can be created. */
const forRoot = Effect.flatMap(systemUser, (user) => (Option.isSome(user) ? Effect.succeed(user.value) : nobody))

/** The user that the server runs as. Fails with `NoUser`. */
export const find: Effect.Effect<User, EmbeddedClusterError> = Effect.suspend(() => {
  const uid = process.geteuid?.()
  const gid = process.getegid?.()
  if (uid === undefined || gid === undefined) {
    return fail("NoUser", `The embedded PostgreSQL runs on Linux and macOS only. ${otherServerAdvice}`)
  }
  if (uid === 0) return forRoot
  try {
    os.userInfo()
  } catch {
    return fail("NoUser", `PostgreSQL needs a user with a name, and user id ${uid} has none. ${otherServerAdvice}`)
  }
  return Effect.succeed({ ids: {}, uid, gid, isOther: false })
})
