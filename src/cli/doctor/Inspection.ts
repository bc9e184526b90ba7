/**
 * Collects the facts that `doctor` diagnoses, and changes nothing.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { Clock, type Duration, Effect, Logger, Option, Redacted, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as SeparateStore from "../../analytics/clickhouse/SeparateStore.ts"
import * as WebhookRows from "../../delivery/postgres/Webhooks.ts"
import type { Address } from "../../platform/clickhouse/AnalyticsUrl.ts"
import * as ClickHouse from "../../platform/clickhouse/ClickHouse.ts"
import * as AnalyticsMigrations from "../../platform/clickhouse/schema/Migrations.ts"
import * as Tables from "../../platform/clickhouse/schema/Tables.ts"
import { isLoopback } from "../../platform/http/Host.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Migrations from "../../platform/postgres/schema/Migrations.ts"
import * as Privileges from "../../platform/postgres/schema/Privileges.ts"
import * as FailedItems from "../../platform/rounds/postgres/FailedItems.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { NotReady } from "../../server/Readiness.ts"
import type { AnalyticsFacts, DatabaseFacts, ReaderFacts, WebhookFacts } from "./Diagnosis.ts"

const Row = Schema.Tuple([
  Schema.Struct({
    now: Schema.Finite,
    isReadOnly: Schema.Boolean,
    isEncrypted: Schema.Boolean,
    off: Schema.Array(Schema.Literals(["fsync", "full_page_writes", "synchronous_commit"])),
    lagSeconds: Schema.NullOr(Schema.Finite)
  })
])

const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)

/** What a migrated database says about itself. A standby that has replayed all it received is current only while it is connected. */
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
        WHERE current_setting(name) = 'off') AS off,
      CASE WHEN NOT pg_is_in_recovery() THEN NULL
        WHEN EXISTS (SELECT FROM pg_stat_wal_receiver) AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
        ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
      END::float8 AS "lagSeconds"`.pipe(decodeRows(Row))
  const roundTripMillis = (yield* monotonicMillis) - before
  const clockAheadMillis = Math.round(row.now - ((yield* Clock.currentTimeMillis) - roundTripMillis / 2))
  return { ...row, clockAheadMillis, roundTripMillis: Math.round(roundTripMillis) }
})

/** `invalid_sql_statement_name`: the connection has no prepared statement of the name. */
const unknownStatement = "26000"

/** Behind a pooler with one connection, the second transaction waits for the first. */
const poolerTimeout = "1 second"

/** Other users of the pooler can take the connection that the first statement was prepared on. */
const poolerAttempts = 3

/**
 * Whether a statement that was prepared outside a transaction exists in a later transaction, while another transaction uses the
 * pooler's connection. It does not behind a pooler that gives each transaction another of its connections and does not prepare the
 * statement there, as PgBouncer with `max_prepared_statements = 0`. True if that cannot be found out.
 */
const statementsAreKept: Effect.Effect<boolean, SqlError.SqlError, PgClient.PgClient> = Effect.gen(function* () {
  const first = yield* Database.dedicated()
  const second = yield* Database.dedicated()
  const statement = first`SELECT 1`
  const attempt = Effect.gen(function* () {
    yield* statement
    return yield* second.withTransaction(
      Effect.andThen(
        second`SELECT 2`,
        // The driver repeats an unknown statement outside a transaction, but cannot do so in one.
        first
          .withTransaction(statement)
          .pipe(
            Database.withTimeout(poolerTimeout),
            Database.mapErrors,
            Effect.match({ onFailure: ({ code }) => code !== unknownStatement, onSuccess: () => true })
          )
      )
    )
  })
  for (let count = 0; count < poolerAttempts; count++) if (!(yield* attempt)) return false
  return true
}).pipe(Effect.scoped)

/** Whether prepared statements are kept; true if that cannot be found out in time. */
const keepsStatements = (timeout: Duration.Input) =>
  statementsAreKept.pipe(
    Database.withDeadline(timeout),
    Effect.orElseSucceed(() => true)
  )

/** The facts about the database. Fails with the error with which `serve` does not start. `timeout` bounds each query. */
export const database = Effect.fnUntraced(function* (timeout: Duration.Input) {
  const facts = yield* Effect.gen(function* () {
    const { isReadOnly, lagSeconds: _, now: __, ...server } = yield* inspectServer
    if (isReadOnly) return yield* new NotReady({ reason: "database-read-only" })
    const denied = yield* Privileges.missing
    const deniedForMaintenance = yield* Privileges.missingForMaintenance
    return { ...server, denied, deniedForMaintenance, failedItems: denied.length === 0 ? yield* FailedItems.list : [] }
  }).pipe(Database.withTimeout(timeout), Database.mapErrors)
  return { _tag: "Reached", ...facts, keepsStatements: yield* keepsStatements(timeout) } satisfies DatabaseFacts
})

/** The facts about the database from which reports are read. `timeout` bounds each query. */
export const reader = Effect.fnUntraced(function* (timeout: Duration.Input) {
  const { lagSeconds } = yield* inspectServer.pipe(Database.withTimeout(timeout), Database.mapErrors)
  return { _tag: "Reached", lagSeconds, keepsStatements: yield* keepsStatements(timeout) } satisfies ReaderFacts
})

const Webhooks = Schema.Array(Schema.Struct({ webhookId: Schema.String, ...WebhookRows.secretFields }))

/** How many webhooks there are, and how many have a secret that `secretsKey` does not decrypt. Bounded by `timeout`. */
export const webhooks = (secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>, timeout: Duration.Input) =>
  SqlClient.SqlClient.use((sql) =>
    sql`SELECT webhook_id AS "webhookId", ${sql.literal(WebhookRows.secretColumns)} FROM webhook`.pipe(
      decodeRows(Webhooks)
    )
  ).pipe(
    Effect.map(
      (rows): WebhookFacts => ({
        total: rows.length,
        locked: rows.filter((row) =>
          Option.match(secretsKey, {
            onNone: () => true,
            onSome: (key) => WebhookRows.open(Redacted.value(key), row).length === 0
          })
        ).length
      })
    ),
    Database.withDeadline(timeout),
    Database.mapErrors
  )

const Version = Schema.Tuple([Schema.Struct({ version: Schema.String })])

/** The names that the user may not use, of those for which `statement` is a statement that only needs the right. */
const denied = <Name extends string>(names: ReadonlyArray<Name>, statement: (name: Name) => string) =>
  Effect.filter(names, (name) =>
    ClickHouse.ClickHouse.use(({ command }) => command(statement(name))).pipe(
      Effect.as(false),
      Effect.catchIf(
        (error) => error.reason === "denied" || error.reason === "read-only",
        () => Effect.succeed(true)
      )
    )
  )

/** The facts about a ClickHouse. Fails if it cannot be used or is not migrated. */
export const analytics = (address: Redacted.Redacted<Address>, timeout: Duration.Input) =>
  Effect.gen(function* () {
    const { query } = yield* ClickHouse.ClickHouse
    const [{ version }] = yield* query("SELECT version() AS version").pipe(decodeRows(Version))
    const pending = yield* AnalyticsMigrations.pending()
    if (pending.length > 0) return yield* new NotReady({ reason: "analytics-not-migrated" })
    const target = yield* AnalyticsMigrations.target
    // Even an insert of no rows requires the rights to write and to read.
    const tables = yield* denied(Tables.names, (name) => `INSERT INTO ${name} SELECT * FROM ${name} WHERE false`)
    // A right on its database does not include the system tables, which deletions read.
    const systemTables = yield* denied(
      SeparateStore.systemTables,
      (table) => `SELECT 1 FROM ${SeparateStore.system(target, table)} LIMIT 0`
    )
    const url = new URL(Redacted.value(address).url)
    return {
      _tag: "Reached",
      version,
      isPrivate: url.protocol === "https:" || isLoopback(url.hostname),
      denied: [...tables, ...systemTables.map((table) => `system.${table}`)]
    } satisfies AnalyticsFacts
  }).pipe(ClickHouse.bounded(timeout), Effect.provide(ClickHouse.layer({ address, connections: 1 })))

const policy = { name: "doctor", limit: 1_000, windowMillis: 60_000 }

/** Counts one request with the service's rate limiter, which tells whether it uses Redis. */
export const redis = Effect.fnUntraced(
  function* (url: Redacted.Redacted) {
    // Imported here, as in `App.rateLimiter`: commands and deployments without Redis do not load its client.
    const { make } = yield* Effect.promise(() => import("../../platform/redis/RateLimiter.ts"))
    const fallback = { take: () => Effect.succeed({ accepted: true, remaining: 0, resetMillis: 0 }) }
    const limiter = yield* make({ url, fallback, timeoutMillis: 2_000 })
    yield* limiter.take(policy, "doctor")
    return yield* limiter.state
  },
  Effect.scoped,
  // The result contains what the limiter would log.
  Effect.provide(Logger.layer([]))
)
