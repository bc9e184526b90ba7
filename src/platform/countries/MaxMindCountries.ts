/**
 * Looks up countries in a MaxMind database (`.mmdb`) that is loaded into memory.
 *
 * @module
 */
import { readFile, stat } from "node:fs/promises"
import { type Duration, Effect, Layer } from "effect"
import { Reader, type Response } from "mmdb-lib"
import * as Rounds from "../rounds/Rounds.ts"
import * as SystemErrorCode from "../text/SystemErrorCode.ts"
import { Countries, GeoDatabaseUnusable } from "./Countries.ts"
import * as Country from "./Country.ts"

/** Without a database, no country is known. */
export const none: Layer.Layer<Countries> = Layer.succeed(Countries, { of: () => null })

export interface Options {
  /** The path of the `.mmdb` file. */
  readonly file: string
  /** How often the file is checked for a change. Default: 10 seconds. */
  readonly interval?: Duration.Input
}

type Database = Reader<Response>

/** The country of an address. A damaged database throws for some addresses. */
const lookUp = (database: Database, address: string): string | null => {
  try {
    return Country.ofRecord(database.get(Country.withoutMapping(address)))
  } catch {
    return null
  }
}

const unusable = (file: string, fault: string) =>
  new GeoDatabaseUnusable({
    message: `GEO_DATABASE names ${file}, which ${fault}; download a country database in MaxMind's format (.mmdb), or unset it.`
  })

/** One address in each of the blocks 1.0.0.0/8 to 223.0.0.0/8. A country database has most of them. */
const probes = Array.from({ length: 223 }, (_, index) => `${index + 1}.1.1.1`)

const open = (file: string, bytes: Buffer): Effect.Effect<Database, GeoDatabaseUnusable> =>
  Effect.try({
    try: () => new Reader<Response>(bytes),
    catch: () => unusable(file, "is not a MaxMind database")
  }).pipe(
    Effect.filterOrFail(
      (database) => probes.some((address) => lookUp(database, address) !== null),
      () => unusable(file, "has no countries of IPv4 addresses")
    )
  )

/** Identifies a version of the file. A replaced file has another inode. */
const versionOf = (file: string): Effect.Effect<string, GeoDatabaseUnusable> =>
  Effect.tryPromise({
    try: async () => {
      const { ino, mtimeMs, size } = await stat(file)
      return `${ino} ${mtimeMs} ${size}`
    },
    catch: (cause) => unusable(file, `cannot be read${SystemErrorCode.suffix(cause)}`)
  })

const read = (file: string): Effect.Effect<Buffer, GeoDatabaseUnusable> =>
  Effect.tryPromise({
    try: () => readFile(file),
    catch: (cause) => unusable(file, `cannot be read${SystemErrorCode.suffix(cause)}`)
  })

const load = (file: string): Effect.Effect<Database, GeoDatabaseUnusable> =>
  Effect.flatMap(read(file), (bytes) => open(file, bytes))

/** Fails if the file is not a country database. */
export const check = (file: string): Effect.Effect<void, GeoDatabaseUnusable> => Effect.asVoid(load(file))

/**
 * Reads a country database from a file. Fails at start if the file is not a country database. A new version of the file
 * replaces the old one; if the new one cannot be used, the old one stays in use, with one warning per version.
 */
export const layer = ({ file, interval = "10 seconds" }: Options): Layer.Layer<Countries, GeoDatabaseUnusable> =>
  Layer.effect(
    Countries,
    Effect.gen(function* () {
      let lastVersion = yield* versionOf(file)
      let database = yield* load(file)
      let hasFailed = false
      const warn = ({ message }: GeoDatabaseUnusable) =>
        Effect.logWarning(`The new country database cannot be used, so the old one stays in use: ${message}`)
      const reload = Effect.gen(function* () {
        const version = yield* versionOf(file)
        if (version === lastVersion) {
          hasFailed = false
          return
        }
        const bytes = yield* read(file)
        hasFailed = false
        // Set before opening, so that an unusable version is reported once. A file that cannot be read is tried again: its
        // version stays the same when its permissions change.
        lastVersion = version
        database = yield* open(file, bytes)
        yield* Effect.logInfo("Loaded the new country database")
      }).pipe(
        Effect.catchTag("GeoDatabaseUnusable", (error) =>
          Effect.suspend(() => {
            // A file that stays missing or unreadable is reported once, not in every round.
            const hadFailed = hasFailed
            hasFailed = true
            return hadFailed ? Effect.void : warn(error)
          })
        )
      )
      yield* Effect.sleep(interval).pipe(
        Effect.andThen(reload),
        Rounds.recover("The country database could not be checked for a change; retrying"),
        Effect.forever,
        Effect.forkScoped
      )
      return { of: (address) => lookUp(database, address) }
    })
  )
