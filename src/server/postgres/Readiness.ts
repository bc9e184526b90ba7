/**
 * Checks whether PostgreSQL can serve requests. Concurrent checks share their queries, and the result is cached for half a
 * second, so that a flood of checks does not reach the database.
 *
 * The check writes nothing while requests write successfully. If a write failed and no later write of its kind succeeded, the
 * process is not ready at first; two seconds after the failure, the check performs trial writes.
 *
 * @module
 */
import { Effect, Layer, Option, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { SeparateStore } from "../../analytics/SeparateStore.ts"
import * as Batches from "../../platform/batch/Batches.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Lookup from "../../platform/postgres/Lookup.ts"
import * as Migrations from "../../platform/postgres/schema/Migrations.ts"
import * as Privileges from "../../platform/postgres/schema/Privileges.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { NotReady, Readiness } from "../Readiness.ts"

const ReadOnly = Schema.Tuple([Schema.Struct({ read_only: Schema.Literals(["on", "off"]) })])

/** Below the documented two seconds, to leave time for the response. */
const timeout = "1800 millis"

/** How long to wait for a lock on the migrations table. */
const lockTimeout = "600 millis"

/** So that a flood of checks does not reach the databases. */
const caching = { foundTtl: "500 millis", unknownTtl: "500 millis", capacity: 1 } as const

/** About 1.4 MB of rows, which exceeds the `work_mem` of the trial and spills to a temporary file. */
const spilledRows = 50_000

/** The SQLSTATE if `temp_file_limit` is exceeded; this error says nothing about the disk. */
const overLimit = "53400"

/** Fails the trial's transaction, so that it is rolled back. */
class Undo extends Schema.TaggedError<Undo>()("Undo", {}) {}

/**
 * Tries the writes of requests, and returns whether they succeed. Inserts rows into the tables of requests and rolls back;
 * commits one batch id, since a commit may fail by itself (`Maintenance` deletes the id after a day, like any batch id). A
 * table may have room for a row even if the disk is full, so the trial also writes a temporary file.
 */
const trial = (sql: SqlClient.SqlClient): Effect.Effect<boolean, SqlError.SqlError> => {
  const spill = Effect.andThen(
    sql`SET LOCAL work_mem = '64kB'`,
    sql`SELECT count(*) FROM generate_series(1, ${sql.literal(String(spilledRows))})`
  ).pipe(sql.withTransaction)
  const rows = Effect.forEach(
    ["page_view", "bot_view"],
    (table) => sql`INSERT INTO ${sql(table)} (hosted_website_id, received_at, path, visitor_hash)
        VALUES (gen_random_uuid(), now(), '/', '')`
  ).pipe(
    Effect.andThen(sql`INSERT INTO event (hosted_website_id, received_at, name, path, visitor_hash)
      VALUES (gen_random_uuid(), now(), '', '/', '')`),
    Effect.andThen(sql`INSERT INTO submission (submission_id, website_config_id, received_at, form_data)
      SELECT gen_random_uuid(), website_config_id, now(), '{}' FROM site LIMIT 1`),
    Effect.andThen(Effect.fail(new Undo())),
    sql.withTransaction,
    Effect.catchTag("Undo", () => Effect.void)
  )
  const isOverLimit = (error: SqlError.SqlError) => Option.contains(Database.sqlState(error), overLimit)
  return spill.pipe(
    Effect.catchIf(isOverLimit, () => Effect.void),
    Effect.andThen(rows),
    Effect.andThen(sql`INSERT INTO page_view_batch (batch_id) VALUES (gen_random_uuid())`),
    Effect.as(true),
    // An error of the server is a result; a lost connection is not.
    Effect.catchIf(
      (error) => Option.isSome(Database.sqlState(error)),
      () => Effect.succeed(false)
    )
  )
}

export const layer: Layer.Layer<Readiness, never, SqlClient.SqlClient> = Layer.effect(
  Readiness,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const isReadOnly = sql`SELECT current_setting('transaction_read_only') AS read_only`.pipe(
      decodeRows(ReadOnly),
      Effect.map(([{ read_only }]) => read_only === "on")
    )
    const health = yield* Batches.WriteHealth
    const isStoring = Effect.flatMap(health.status, (status) =>
      status === "unknown"
        ? Effect.tap(trial(sql), (stored) => (stored ? health.clearFailures : Effect.void))
        : Effect.succeed(status === "writable")
    )
    let migrated = false
    // A running migration locks the migrations table. A process that has found the database migrated before waits only
    // `lockTimeout` for the lock, and is ready without it, because no migration is undone.
    const pending = Effect.provideService(Migrations.pending, SqlClient.SqlClient, sql)
    const missing = Effect.suspend(() =>
      migrated ? Effect.timeoutOrElse(pending, { duration: lockTimeout, orElse: () => Effect.succeed([]) }) : pending
    ).pipe(
      Effect.tap((ids) =>
        Effect.sync(() => {
          migrated = ids.length === 0
        })
      )
    )
    const denied = Effect.provideService(Privileges.missing, SqlClient.SqlClient, sql)
    const reason = yield* Lookup.make({
      find: () =>
        Effect.all([missing, isReadOnly, denied]).pipe(
          Effect.flatMap(([missing, isReadOnly, denied]) =>
            missing.length > 0 || isReadOnly || denied.length > 0
              ? Effect.succeed({ missing, isReadOnly, denied, isStoring: true })
              : Effect.map(isStoring, (isStoring) => ({ missing, isReadOnly, denied, isStoring }))
          ),
          // The migrations are our own files: an error in them is a defect.
          Effect.catchTag("MigrationError", Effect.die),
          Database.withDeadline(timeout),
          Database.mapErrors,
          Effect.map(({ denied, isReadOnly, isStoring, missing }): Option.Option<NotReady["reason"]> => {
            if (missing.length > 0) return Option.some("database-not-migrated")
            if (isReadOnly) return Option.some("database-read-only")
            if (denied.length > 0) return Option.some("database-denied")
            return isStoring ? Option.none() : Option.some("database-not-storing")
          })
        ),
      ...caching
    })
    const separate = yield* SeparateStore
    const analyticsReason = yield* Lookup.make<NotReady["reason"]>({
      find: () =>
        Option.match(separate, {
          onNone: () => Effect.succeed(true),
          onSome: ({ isMigrated }) =>
            isMigrated.pipe(
              Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.succeed(true) }),
              Effect.orElseSucceed(() => true)
            )
        }).pipe(
          Effect.map((isMigrated) => (isMigrated ? Option.none() : Option.some("analytics-not-migrated" as const)))
        ),
      ...caching
    })
    const requireNone = Effect.flatMap(
      Option.match({
        onNone: () => Effect.void,
        onSome: (reason: NotReady["reason"]) => Effect.fail(new NotReady({ reason }))
      })
    )
    return Readiness.of({
      check: Effect.all([requireNone(reason("")), requireNone(analyticsReason(""))], {
        concurrency: "unbounded",
        discard: true
      }).pipe(
        Effect.catchTag("StorageUnavailable", ({ code }) =>
          Effect.fail(new NotReady({ reason: "database-unreachable", code }))
        )
      )
    })
  })
).pipe(Layer.provide(Batches.layerHealth))
