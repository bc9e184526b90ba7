/**
 * Inspects a database for `doctor`, read-only.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { Clock, type Duration, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { DatabaseFacts } from "../../core/doctor/DatabaseDiagnosis.ts"
import type { ReaderFacts } from "../../core/doctor/ReaderDiagnosis.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import type { StorageUnavailable } from "../../services/Storage.ts"
import * as RollUpLoop from "../analytics/reports/RollUpLoop.ts"
import * as Database from "../Database.ts"
import * as FailedItems from "../rounds/FailedItems.ts"
import * as Migrations from "./Migrations.ts"
import * as Partitions from "./Partitions.ts"
import * as PreparedStatements from "./PreparedStatements.ts"
import * as Privileges from "./Privileges.ts"

const Row = Schema.Tuple([
  Schema.Struct({
    now: Schema.Finite,
    read_only: Schema.Literals(["on", "off"]),
    fsync: Schema.Literals(["on", "off"]),
    full_page_writes: Schema.Literals(["on", "off"]),
    synchronous_commit: Schema.String,
    encoding: Schema.String,
    is_encrypted: Schema.Boolean
  })
])

const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)

/** The facts that must be known: without them, the database cannot be used. */
const inspectServer = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // Opens the connection before the round trip is measured.
  const pending = yield* Migrations.pending
  const before = yield* monotonicMillis
  const [row] = yield* sql`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now, current_setting('fsync') AS fsync,
      current_setting('transaction_read_only') AS read_only, current_setting('full_page_writes') AS full_page_writes,
      current_setting('synchronous_commit') AS synchronous_commit, current_setting('server_encoding') AS encoding,
      coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS is_encrypted`.pipe(decodeRows(Row))
  const roundTripMillis = (yield* monotonicMillis) - before
  const now = yield* Clock.currentTimeMillis
  const missing = pending.length === 0 ? yield* Partitions.missing(now) : []
  // A read-only database, such as a standby for reports, needs no write privileges.
  const isReadOnly = row.read_only === "on"
  const needsPrivileges = pending.length === 0 && !isReadOnly
  const deniedForMaintenance = needsPrivileges ? yield* Privileges.missingForMaintenance : []
  return {
    _tag: "Reached",
    pending,
    clockAheadMillis: Math.round(row.now - (now - roundTripMillis / 2)),
    roundTripMillis: Math.round(roundTripMillis),
    isReadOnly,
    denied: needsPrivileges ? yield* Privileges.missing : [],
    deniedForMaintenance,
    storesUnicode: Migrations.storesUnicode(row.encoding),
    fsync: row.fsync === "on",
    fullPageWrites: row.full_page_writes === "on",
    synchronousCommit: row.synchronous_commit,
    isEncrypted: row.is_encrypted,
    missingPartitions: missing.map(({ name }) => name)
  } satisfies Partial<DatabaseFacts>
})

/** Whether prepared statements are kept; true if that cannot be found out in time. */
const keepsStatements = (timeout: Duration.Input) =>
  PreparedStatements.areKept.pipe(
    Database.withDeadline(timeout),
    Effect.catch(() => Effect.succeed(true))
  )

/** The facts that `doctor` diagnoses. Each of the queries is bounded by `timeout`. */
export const inspect = Effect.fnUntraced(function* (
  timeout: Duration.Input
): Effect.fn.Return<
  DatabaseFacts & { readonly _tag: "Reached" },
  StorageUnavailable | Effect.Error<typeof inspectServer>,
  PgClient.PgClient | SqlClient.SqlClient
> {
  const facts = yield* inspectServer.pipe(Database.withDeadline(timeout), Database.mapErrors)
  const hasRollups = facts.pending.length === 0 && facts.deniedForMaintenance.length === 0
  return {
    ...facts,
    keepsStatements: yield* keepsStatements(timeout),
    laggingRollups: hasRollups
      ? yield* RollUpLoop.countLagging.pipe(
          Database.withDeadline(timeout),
          Effect.catchTag("SqlError", () => Effect.succeed("unknown" as const))
        )
      : null,
    failedItems:
      facts.pending.length === 0 && !facts.denied.includes("SELECT on failed_item")
        ? yield* FailedItems.list.pipe(Database.withDeadline(timeout), Database.mapErrors)
        : []
  }
})

const Lag = Schema.Tuple([Schema.Struct({ lag_seconds: Schema.NullOr(Schema.Finite) })])

const inspectLag = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const pending = yield* Migrations.pending
  // A standby that has replayed all it received is current only while it is connected to its primary.
  const [{ lag_seconds: lagSeconds }] = yield* sql`SELECT CASE
      WHEN NOT pg_is_in_recovery() THEN NULL
      WHEN EXISTS (SELECT FROM pg_stat_wal_receiver) AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
      ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
    END::float8 AS lag_seconds`.pipe(decodeRows(Lag))
  return { _tag: "Reached", pending, lagSeconds } as const
})

/** The facts about the database from which reports are read. Each of the queries is bounded by `timeout`. */
export const inspectReader = (timeout: Duration.Input) =>
  Effect.gen(function* () {
    const facts = yield* inspectLag.pipe(Database.withDeadline(timeout), Database.mapErrors)
    return { ...facts, keepsStatements: yield* keepsStatements(timeout) } satisfies ReaderFacts
  })
