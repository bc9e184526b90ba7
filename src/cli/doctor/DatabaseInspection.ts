/**
 * Inspects a database for `doctor`, read-only.
 *
 * @module
 */
import { Clock, type Duration, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Database from "../../platform/postgres/Database.ts"
import * as Migrations from "../../platform/postgres/schema/Migrations.ts"
import * as PreparedStatements from "../../platform/postgres/schema/PreparedStatements.ts"
import * as Privileges from "../../platform/postgres/schema/Privileges.ts"
import * as FailedItems from "../../platform/rounds/postgres/FailedItems.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { NotReady } from "../../server/Readiness.ts"
import type { Reached } from "./DatabaseDiagnosis.ts"

const Row = Schema.Tuple([
  Schema.Struct({
    now: Schema.Finite,
    isReadOnly: Schema.Boolean,
    isEncrypted: Schema.Boolean,
    off: Schema.Array(Schema.Literals(["fsync", "full_page_writes", "synchronous_commit"]))
  })
])

const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)

/** Whether prepared statements are kept; true if that cannot be found out in time. */
const keepsStatements = (timeout: Duration.Input) =>
  PreparedStatements.areKept.pipe(
    Database.withDeadline(timeout),
    Effect.orElseSucceed(() => true)
  )

/** The facts that must be known: without them, the database cannot be used. */
const inspectServer = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // Opens the connection before the round trip is measured.
  const pending = yield* Migrations.pending
  if (pending.length > 0) return yield* new NotReady({ reason: "database-not-migrated" })
  const before = yield* monotonicMillis
  const [row] = yield* sql`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now,
      current_setting('transaction_read_only') = 'on' AS "isReadOnly",
      coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS "isEncrypted",
      ARRAY(SELECT name FROM unnest(ARRAY['fsync', 'full_page_writes', 'synchronous_commit']) AS name
        WHERE current_setting(name) = 'off') AS off`.pipe(decodeRows(Row))
  if (row.isReadOnly) return yield* new NotReady({ reason: "database-read-only" })
  const roundTripMillis = (yield* monotonicMillis) - before
  const now = yield* Clock.currentTimeMillis
  const denied = yield* Privileges.missing
  return {
    _tag: "Reached",
    denied,
    deniedForMaintenance: yield* Privileges.missingForMaintenance,
    off: row.off,
    isEncrypted: row.isEncrypted,
    clockAheadMillis: Math.round(row.now - (now - roundTripMillis / 2)),
    roundTripMillis: Math.round(roundTripMillis),
    failedItems: denied.length === 0 ? yield* FailedItems.list : []
  } as const
})

/** The facts that `doctor` diagnoses. Fails with the error with which `serve` does not start. `timeout` bounds each query. */
export const inspect = Effect.fnUntraced(function* (timeout: Duration.Input) {
  const facts = yield* inspectServer.pipe(Database.withDeadline(timeout), Database.mapErrors)
  return { ...facts, keepsStatements: yield* keepsStatements(timeout) } satisfies Reached
})

const Lag = Schema.Tuple([Schema.Struct({ lagSeconds: Schema.NullOr(Schema.Finite) })])

const inspectLag = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const pending = yield* Migrations.pending
  if (pending.length > 0) return yield* new NotReady({ reason: "database-not-migrated" })
  // A standby that has replayed all it received is current only while it is connected to its primary.
  const [{ lagSeconds }] = yield* sql`SELECT CASE
      WHEN NOT pg_is_in_recovery() THEN NULL
      WHEN EXISTS (SELECT FROM pg_stat_wal_receiver) AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
      ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
    END::float8 AS "lagSeconds"`.pipe(decodeRows(Lag))
  return { _tag: "Reached", lagSeconds } as const
})

/** The facts about the database from which reports are read. `timeout` bounds each query. */
export const inspectReader = Effect.fnUntraced(function* (timeout: Duration.Input) {
  const facts = yield* inspectLag.pipe(Database.withDeadline(timeout), Database.mapErrors)
  return { ...facts, keepsStatements: yield* keepsStatements(timeout) }
})
