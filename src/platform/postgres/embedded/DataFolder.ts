/**
 * The folder of an embedded cluster: its lock, and the locations of its files and its socket.
 *
 *     <dataDir>/lock        held for as long as the cluster is in use
 *     <dataDir>/owner       the lock holder's process id, for error messages
 *     <dataDir>/place       the path of the files' folder, if they are elsewhere (see `homeOf`)
 *     <home>/data           PostgreSQL's data; complete as soon as it exists
 *     <home>/s              the folder of the Unix socket
 *     <home>/hba.conf       access rules, with ident.conf: only if the server runs as another user
 *     <home>/sockets        the path of the socket's folder, if it is elsewhere (see `makeSocketFolder`)
 *     <home>/postgres.log   this run's server log; the previous run's is postgres.log.1
 *
 * @module
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { createServer } from "node:net"
import { tmpdir, userInfo } from "node:os"
import path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Effect, Option, type Scope } from "effect"
import { startDemo } from "../../text/CommandName.ts"
import * as SystemErrorCode from "../../text/SystemErrorCode.ts"
import { type EmbeddedClusterError, fail, io, otherFolder, otherServerAdvice } from "./EmbeddedClusterError.ts"
import { canEnter, type User } from "./SystemUser.ts"

/** The file's text, or undefined if it does not exist. */
const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, "utf8").trim()
  } catch (cause) {
    if (SystemErrorCode.of(cause) === "ENOENT") return undefined
    throw cause
  }
}

/** Writes a file atomically. */
const write = (file: string, text: string) => {
  const draft = `${file}.${process.pid}.new`
  writeFileSync(draft, `${text}\n`, { mode: 0o600 })
  renameSync(draft, file)
}

/**
 * Creates the folder and missing parents, and lets the server's user traverse the folder (not list it). The permissions of
 * existing parents are not changed.
 */
export const make = (dataDir: string, user: User): Effect.Effect<string, EmbeddedClusterError> =>
  io(`make the folder ${dataDir}`, () => {
    makeFolder(dataDir, user.isOther ? 0o711 : 0o700)
    const real = realpathSync(dataDir)
    const { mode } = lstatSync(real)
    if (user.isOther && (mode & 0o001) === 0) chmodSync(real, (mode & 0o777) | 0o011)
    return real
  })

/** Whether nothing listens on a port of this machine. */
const isFree = (port: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", () => resume(Effect.succeed(false)))
    server.listen(port, "127.0.0.1", () => server.close(() => resume(Effect.succeed(true))))
  })

/** How to start one more demo, on a port that is free. */
const besideIt = Effect.map(
  Effect.findFirst(
    Array.from({ length: 20 }, (_, index) => index + 2),
    (number) => isFree(8079 + number)
  ),
  (found) => {
    const number = Option.getOrElse(found, () => 2)
    return `HYDRACORE_DATA_DIR=.hydracore-${number} PORT=${8079 + number} ${startDemo}`
  }
)

/**
 * Locks the folder for this process until the scope closes, or fails with `InUse`.
 *
 * The lock is a kernel file lock, taken through SQLite on an empty file, since Node has no API for one. The kernel releases it
 * when the process ends in any way, so there are no stale locks and never two holders.
 */
export const lock = Effect.fnUntraced(function* (
  dataDir: string
): Effect.fn.Return<void, EmbeddedClusterError, Scope.Scope> {
  const ownerFile = path.join(dataDir, "owner")
  yield* Effect.acquireRelease(
    Effect.suspend(() => {
      let database: DatabaseSync | undefined
      try {
        database = new DatabaseSync(path.join(dataDir, "lock"), { timeout: 0 })
        database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE")
        return Effect.succeed(database)
      } catch (cause) {
        database?.close()
        if (cause instanceof Error && "errcode" in cause && cause.errcode === 5) {
          const pid = Number(read(ownerFile))
          return Effect.flatMap(besideIt, (command) =>
            fail(
              "InUse",
              `Another process${pid > 0 ? ` (pid ${pid})` : ""} uses the database in ${dataDir}. Stop it first, or run this one ` +
                `beside it, in a folder and on a port of its own: ${command}. ${otherServerAdvice}`
            )
          )
        }
        return fail("FolderUnusable", `Could not lock the folder ${dataDir} (${String(cause)}).`)
      }
    }),
    (database) => Effect.sync(() => database.close())
  )
  yield* Effect.acquireRelease(
    io(`write ${ownerFile}`, () => write(ownerFile, String(process.pid))),
    () => Effect.sync(() => rmSync(ownerFile, { force: true }))
  )
})

const roots = ["/var/lib", "/var/tmp"]

/**
 * The folder of the cluster's files: `dataDir` itself, if the server's user can reach it.
 *
 * The server's user cannot reach a folder under /root (mode 0700), in which root often works in containers: PostgreSQL refuses
 * to run as root, and /root must not be opened to others. The files then go to a new folder under /var/lib (or else /var/tmp)
 * with a random name from mkdtemp, and the path is recorded in `dataDir`. A recorded path is trusted only if it has such a
 * name and is a real folder that root owns and only root can write to, so that another user cannot plant one. If a recorded
 * folder is missing, that is an error and not an empty database.
 */
export const homeOf = Effect.fnUntraced(function* (
  dataDir: string,
  user: User
): Effect.fn.Return<string, EmbeddedClusterError> {
  const placeFile = path.join(dataDir, "place")
  const recorded = yield* io(`read ${placeFile}`, () => read(placeFile))
  if (recorded !== undefined) {
    const trusted = yield* io(`use ${recorded}, where the database of ${dataDir} is`, () => {
      const stat = lstatSync(recorded)
      const hasOurName = roots.includes(path.dirname(recorded)) && /^hydracore-\w{6}$/.test(path.basename(recorded))
      return hasOurName && stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0
    })
    if (trusted) return recorded
    return yield* fail(
      "FolderUnusable",
      `${placeFile} names ${recorded}, which is not a folder that this program has made as this user. Start as the user who ` +
        `made it, or ${otherFolder}.`
    )
  }
  if (yield* canEnter(user, dataDir)) return dataDir
  if (existsSync(path.join(dataDir, "data"))) {
    return yield* fail(
      "FolderUnusable",
      `The database in ${dataDir} belongs to a server that runs as another user, who can no longer enter this folder. Let ` +
        "others pass through its parents again (chmod o+x)."
    )
  }
  for (const root of roots) {
    const home = yield* Effect.option(
      io(`make a folder in ${root}`, () => {
        const made = mkdtempSync(path.join(root, "hydracore-"))
        chmodSync(made, 0o711)
        return made
      })
    )
    if (Option.isNone(home)) continue
    if (yield* canEnter(user, home.value)) {
      yield* io(`write ${placeFile}`, () => write(placeFile, home.value))
      return home.value
    }
    yield* io(`remove ${home.value}`, () => rmdirSync(home.value))
  }
  return yield* fail(
    "FolderUnusable",
    `PostgreSQL does not run as root, and no other user can enter ${dataDir} or ${roots.join(" or ")}. Choose a folder that ` +
      `others may pass through. ${otherServerAdvice}`
  )
})

const socketName = ".s.PGSQL.5432"
/** The maximum length of a socket's path in bytes: the limit of macOS. Linux allows 107. */
const maxSocketPath = 103

const fits = (folder: string) => Buffer.byteLength(path.join(folder, socketName)) <= maxSocketPath

/** Removes the socket files that a killed server leaves. */
const removeSocketFiles = (folder: string) => {
  rmSync(path.join(folder, socketName), { force: true })
  rmSync(path.join(folder, `${socketName}.lock`), { force: true })
}

/** Removes the socket files and then the folder, unless it contains other files. */
const removeSocketFolder = (folder: string) => {
  try {
    if (!lstatSync(folder).isDirectory()) return
    removeSocketFiles(folder)
    rmdirSync(folder)
  } catch {
    // Best effort: nothing depends on the removal.
  }
}

/**
 * Makes the folder for the socket, which only the server's user (and root) can enter: `s` in `home`, or a temporary folder if
 * that path is too long for a socket. The temporary folder is removed when the scope closes (after a kill -9, by the next
 * start). Call this only while no server runs. It removes left-over lock files, because PostgreSQL refuses to start if a lock
 * file's process id belongs to another process, or to a zombie.
 */
export const makeSocketFolder = Effect.fnUntraced(function* (
  home: string,
  user: User
): Effect.fn.Return<string, EmbeddedClusterError, Scope.Scope> {
  const restrict = (folder: string) => {
    chmodSync(folder, 0o700)
    if (user.isOther) chownSync(folder, user.uid, user.gid)
    return folder
  }
  const recordFile = path.join(home, "sockets")
  const previous = yield* io(`read ${recordFile}`, () => read(recordFile))
  if (previous !== undefined && /^hc-\w{6}$/.test(path.basename(previous))) removeSocketFolder(previous)
  const near = path.join(home, "s")
  if (fits(near)) {
    yield* io(`remove ${recordFile}`, () => rmSync(recordFile, { force: true }))
    return yield* io(`make the folder ${near}`, () => {
      mkdirSync(near, { recursive: true })
      removeSocketFiles(near)
      return restrict(near)
    })
  }
  for (const root of [tmpdir(), "/tmp"]) {
    if (!fits(path.join(root, "hc-XXXXXX")) || !(yield* canEnter(user, root))) continue
    return yield* Effect.acquireRelease(
      io(`make a folder for the socket in ${root}`, () => {
        const made = restrict(mkdtempSync(path.join(root, "hc-")))
        write(recordFile, made)
        return made
      }),
      (made) => Effect.sync(() => removeSocketFolder(made))
    )
  }
  return yield* fail(
    "FolderUnusable",
    `The path of ${home} is too long for a socket, and there is no shorter path in ${tmpdir()} or /tmp. Choose a folder with a shorter path.`
  )
})

/** The path of the socket in the folder of `makeSocketFolder`. */
export const socketIn = (socketFolder: string): string => path.join(socketFolder, socketName)

/** Creates an empty folder in `home` that the server's user may write to. */
export const makeDraft = (home: string, user: User): Effect.Effect<string, EmbeddedClusterError> =>
  io(`make a folder in ${home}`, () => {
    const made = mkdtempSync(path.join(home, "data.new-"))
    if (user.isOther) chownSync(made, user.uid, user.gid)
    return made
  })

/** The first version whose `pg_ident.conf` supports `all` as the database user. */
const firstMajorWithAll = 16

/**
 * The settings that restrict connections to this process's user (peer authentication), if the server runs as another user.
 * Otherwise none are needed: only the server's user can enter the socket's folder.
 */
export const access = (
  home: string,
  user: User,
  major: number
): Effect.Effect<Readonly<Record<string, string>>, EmbeddedClusterError> =>
  user.isOther
    ? io(`write the access rules in ${home}`, () => {
        const [hba, ident] = [path.join(home, "hba.conf"), path.join(home, "ident.conf")]
        writeFileSync(hba, "local all all peer map=owner\n", { mode: 0o644 })
        const name = JSON.stringify(userInfo().username)
        writeFileSync(ident, `owner ${name} ${major >= firstMajorWithAll ? "all" : "postgres"}\n`, { mode: 0o644 })
        return { hba_file: hba, ident_file: ident }
      })
    : Effect.succeed({})

/**
 * Creates a folder and its missing parents, each with `mode`; throws the system's error on failure. Node's recursive `mkdir`
 * loops forever if creating a folder in an existing parent fails with ENOENT, as under `/proc`; here each folder is tried once.
 */
export const makeFolder = (folder: string, mode?: number): void => {
  const missing: Array<string> = []
  for (let above = path.resolve(folder); !existsSync(above); above = path.dirname(above)) missing.push(above)
  for (const one of missing.toReversed()) {
    try {
      mkdirSync(one, { mode })
    } catch (error) {
      // Another process may have created it first.
      if (SystemErrorCode.of(error) !== "EEXIST" || !existsSync(one)) throw error
    }
  }
  if (!statSync(folder).isDirectory()) throw Object.assign(new Error("It is not a folder"), { code: "ENOTDIR" })
}
