/**
 * Finds the country of a request's client: from the header of a trusted proxy, or from a MaxMind database (`.mmdb`) that is loaded
 * into memory.
 *
 * @module
 */
import { readFile, stat } from "node:fs/promises"
import { type Duration, Effect, Option, Predicate, Schema, type Scope } from "effect"
import type { IpNetwork } from "effect/net"
import { Reader, type Response } from "mmdb-lib"
import type { RequestHead } from "../contract/Received.ts"
import * as ClientAddress from "../limits/ClientAddress.ts"
import * as Rounds from "../rounds/Rounds.ts"
import * as SystemErrorCode from "../text/SystemErrorCode.ts"

/** The file of `GEO_DATABASE` cannot be used. `message` says why, and what to do. */
export class GeoDatabaseUnusable extends Schema.TaggedError<GeoDatabaseUnusable>()("GeoDatabaseUnusable", {
  message: Schema.String
}) {}

/**
 * The country of a client's IP address, as two capital letters; null if the country is unknown or the text is no address.
 * Synchronous and without a cache, so that no address is kept.
 */
export type CountryOf = (address: string) => string | null

/** Codes that proxies and databases use for an unknown country. */
const unknown = new Set(["XX", "ZZ"])

/** Parses a country code in upper or lower case; null for any other text, and for the codes of an unknown country. */
export const parseCountry = (text: string | undefined): string | null => {
  if (text === undefined || !/^[a-z]{2}$/i.test(text)) return null
  const code = text.toUpperCase()
  return unknown.has(code) ? null : code
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/**
 * The country of a record in a MaxMind database, whose shape depends on the vendor: `country.iso_code` (GeoLite2, DB-IP),
 * `country_code` (ip-location-db, IPinfo) or a text `country` (IPinfo's older files). Null if it has none.
 */
export const countryOfRecord = (record: unknown): string | null => {
  if (!Predicate.isObject(record)) return null
  const { country, country_code } = record as Record<string, unknown>
  return (
    parseCountry(textOf(country_code)) ??
    parseCountry(textOf(country)) ??
    (Predicate.isObject(country) ? parseCountry(textOf((country as Record<string, unknown>)["iso_code"])) : null)
  )
}

/** Removes the prefix `::ffff:`, which IPv4 addresses have on a dual-stack socket and not in databases. */
export const withoutMapping = (address: string): string =>
  address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address

export interface ClientOptions {
  /** The header in which a proxy names the country. */
  readonly header: Option.Option<string>
  /** The proxies whose header is trusted. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
}

/** Finds the country of a request: the one that a trusted proxy names, else the one of the client's address, else null. */
export const ofClient = (
  countryOf: CountryOf,
  { header, trustedProxies }: ClientOptions
): ((head: RequestHead) => string | null) => {
  if (Option.isNone(header)) return ({ address }) => countryOf(address)
  const name = header.value.toLowerCase()
  const isProxy = ClientAddress.makeIsProxy(trustedProxies)
  return ({ address, headers, peer }) => (isProxy(peer) ? parseCountry(headers[name]) : null) ?? countryOf(address)
}

/** Without a database, no country is known. */
export const none: CountryOf = () => null

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
    return countryOfRecord(database.get(withoutMapping(address)))
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
 * replaces the old one; if the new one cannot be used, the old one stays in use, with a warning.
 */
export const make = Effect.fnUntraced(function* ({
  file,
  interval = "10 seconds"
}: Options): Effect.fn.Return<CountryOf, GeoDatabaseUnusable, Scope.Scope> {
  let lastVersion = yield* versionOf(file)
  let database = yield* load(file)
  const failed = "The new country database could not be loaded, so the old one stays in use"
  const reload = Effect.gen(function* () {
    const version = yield* versionOf(file)
    if (version === lastVersion) return
    const bytes = yield* read(file)
    // Set before opening, so that an unusable version is opened and reported once. A file that cannot be read is tried again: its
    // version stays the same when its permissions change.
    lastVersion = version
    // Recovers here, so that this version is also reported if the rounds before failed because there was no file.
    yield* Effect.gen(function* () {
      database = yield* open(file, bytes)
      yield* Effect.logInfo("Loaded the new country database")
    }).pipe(Rounds.recover(failed))
  })
  yield* Effect.sleep(interval).pipe(Effect.andThen(reload), Rounds.recover(failed), Effect.forever, Effect.forkScoped)
  return (address) => lookUp(database, address)
})
