/**
 * Who the embedded server runs as. PostgreSQL refuses uid 0, so root hands it to `nobody`; everybody else keeps it.
 *
 * A process of `nobody` can read what belongs to `nobody`: a machine where other services run under that user too should
 * start this one as a user of its own.
 *
 * @module
 */
import { execFile } from "node:child_process"
import os from "node:os"
import { Effect } from "effect"
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

const nobody: Effect.Effect<User, EmbeddedClusterError> = Effect.gen(function* () {
  const uid = yield* run({ ids: {} }, "id", "-u", "nobody")
  const gid = yield* run({ ids: {} }, "id", "-g", "nobody")
  const [u, g] = [Number(uid.stdout.trim() || Number.NaN), Number(gid.stdout.trim() || Number.NaN)]
  if (!Number.isInteger(u) || !Number.isInteger(g) || u === 0) {
    return yield* fail(
      "NoUser",
      `PostgreSQL does not run as root, and this machine has no user "nobody". Start as another user, or: ${elsewhere}`
    )
  }
  // macOS calls nobody -2: spawn takes the signed number, the file system the unsigned one.
  const user: User = { ids: { uid: u, gid: g }, uid: u >>> 0, gid: g >>> 0, other: true }
  const test = yield* run(user, "/bin/sh", "-c", ":")
  if (test.code !== 0) {
    return yield* fail(
      "NoUser",
      `PostgreSQL does not run as root, and this process may not start others as "nobody" (${test.stderr.trim()}). ` +
        `Start as another user, or: ${elsewhere}`
    )
  }
  return user
})

/** The user that the server runs as, or `NoUser`. */
export const find: Effect.Effect<User, EmbeddedClusterError> = Effect.suspend(() => {
  const uid = process.geteuid?.()
  const gid = process.getegid?.()
  if (uid === undefined || gid === undefined) {
    return fail("NoUser", `The embedded PostgreSQL runs on Linux and macOS only. ${elsewhere}`)
  }
  if (uid === 0) return nobody
  try {
    os.userInfo()
  } catch {
    return fail("NoUser", `PostgreSQL needs a user that the system knows, and user id ${uid} has no name. ${elsewhere}`)
  }
  return Effect.succeed({ ids: {}, uid, gid, other: false })
})
