/**
 * Looks up a record by the digest of its secret. Results are cached for less than a second, so that a revocation takes effect
 * within a second.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Option } from "effect"
import type { SqlError } from "effect/sql"
import { mapErrors } from "../../../platform/postgres/Database.ts"
import * as Lookup from "../../../platform/postgres/Lookup.ts"
import type { StorageUnavailable } from "../../../platform/Storage.ts"

/** The maximum number of digests that are cached. */
const capacity = 10_000

/** Looks up by a digest of 32 bytes. Callers must compare the digest of the found row, and check its times. */
export const make = <A>(options: {
  /** The rows with a digest: one or none. */
  readonly find: (digest: ReturnType<typeof PgTypes.bytea>) => Effect.Effect<ReadonlyArray<A>, SqlError.SqlError>
}): Effect.Effect<(digest: Uint8Array) => Effect.Effect<Option.Option<A>, StorageUnavailable>> =>
  Lookup.make<A>({
    find: (key) =>
      options.find(PgTypes.bytea(Buffer.from(key, "base64url"))).pipe(
        mapErrors,
        Effect.map((rows) => Option.fromUndefinedOr(rows[0]))
      ),
    foundTtl: "900 millis",
    unknownTtl: "900 millis",
    capacity
  }).pipe(Effect.map((lookup) => (digest) => lookup(Buffer.from(digest).toString("base64url"))))
