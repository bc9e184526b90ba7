/**
 * Asks PostgreSQL whether this process can serve. However many ask at once, the database is asked once, and its answer is
 * used for half a second, so that whoever floods the check does not flood the database.
 *
 * Nothing is written while the writes of requests succeed. After one failed, and when no other came since, the check
 * writes what requests write.
 *
 * @module
 */
import { Data, Effect, Layer, Option, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { decodeRows } from "../runtime/Rows.ts"
import { NotReady, Readiness } from "../services/Readiness.ts"
import * as Database from "./Database.ts"
import * as Lookup from "./Lookup.ts"
import * as Migrations from "./schema/Migrations.ts"
import * as Privileges from "./schema/Privileges.ts"
import * as WriteHealth from "./WriteHealth.ts"

const ReadOnly = Schema.Tuple([Schema.Struct({ read_only: Schema.Literals(["on", "off"]) })])

/** Below the two seconds that are promised, so that the answer can still be given. */
const timeout = "1800 millis"

/** How long the list of migrations may be locked before it is left alone. */
const lockPatience = "600 millis"

/** Rows that a sort of integers or a function's result has in 1.4 MB: more than the `work_mem` that is set for them. */
const spilledRows = 50_000

/** `temp_file_limit` is exceeded: nothing is known of the disk. */
const overLimit = "53400"

/** The trial is over, and its rows must not stay. */
class Undo extends Data.TaggedError("Undo") {}

/**
 * Whether the writes of requests would succeed, by trying them. Rows go to the tables of the requests and are taken back; one
 * is committed, since a commit may fail by itself (its id is deleted within a day, like any batch's). A page may have room
 * for a row on a disk that has none, so a temporary file is written as well.
 */
const trial = (sql: SqlClient.SqlClient): Effect.Effect<boolean, SqlError.SqlError> => {
  const spill = Effect.andThen(
    sql`SET LOCAL work_mem = '64kB'`,
    sql`SELECT count(*) FROM generate_series(1, ${sql.literal(String(spilledRows))})`
  ).pipe(sql.withTransaction, Database.recoverConnectionErrors())
  const rows = Effect.andThen(
    Effect.forEach(
      ["page_view", "bot_view"],
      (table) => sql`INSERT INTO ${sql(table)} (hosted_website_id, received_at, path, visitor_hash)
        VALUES (gen_random_uuid(), now(), '/', '')`
    ),
    sql`INSERT INTO submission (submission_id, website_config_id, received_at, form_data)
      SELECT gen_random_uuid(), website_config_id, now(), '{}' FROM site LIMIT 1`
  ).pipe(
    Effect.andThen(Effect.fail(new Undo())),
    sql.withTransaction,
    Database.recoverConnectionErrors(),
    Effect.catchTag("Undo", () => Effect.void)
  )
  const isOverLimit = (error: SqlError.SqlError) => Option.contains(Database.sqlState(error), overLimit)
  return spill.pipe(
    Effect.catchIf(isOverLimit, () => Effect.void),
    Effect.andThen(rows),
    Effect.andThen(sql`INSERT INTO page_view_batch (batch_id) VALUES (gen_random_uuid())`),
    Effect.as(true),
    // What the server says is an answer; a lost connection is none.
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
    const health = yield* WriteHealth.WriteHealth
    const isStoring = Effect.flatMap(health.verdict, (verdict) =>
      verdict === "unknown"
        ? Effect.tap(trial(sql), (stored) => (stored ? health.recovered : Effect.void))
        : Effect.succeed(verdict === "writable")
    )
    let migrated = false
    // A migration that is under way locks the list of migrations. Whoever had all that it needs has it still, and goes on
    // serving meanwhile, if the database answers the other question.
    const missing = Migrations.pending.pipe(
      Effect.provideService(SqlClient.SqlClient, sql),
      (asked) =>
        Effect.suspend(() =>
          migrated ? Effect.timeoutOrElse(asked, { duration: lockPatience, orElse: () => Effect.succeed([]) }) : asked
        ),
      Effect.tap((ids) =>
        Effect.sync(() => {
          migrated = ids.length === 0
        })
      )
    )
    const denied = Effect.provideService(Privileges.missing, SqlClient.SqlClient, sql)
    const asked = yield* Lookup.make({
      find: () =>
        Effect.all([missing, isReadOnly, denied]).pipe(
          Effect.flatMap(([missing, isReadOnly, denied]) =>
            missing.length > 0 || isReadOnly || denied.length > 0
              ? Effect.succeed({ missing, isReadOnly, denied, isStoring: true })
              : Effect.map(isStoring, (isStoring) => ({ missing, isReadOnly, denied, isStoring }))
          ),
          // The migrations are files of our own.
          Effect.catchTag("MigrationError", Effect.die),
          Database.bounded(timeout),
          Effect.map(
            ({ denied, isReadOnly, isStoring, missing }): Option.Option<NotReady["reason"]> =>
              missing.length > 0
                ? Option.some("database-not-migrated")
                : isReadOnly
                  ? Option.some("database-read-only")
                  : denied.length > 0
                    ? Option.some("database-denied")
                    : isStoring
                      ? Option.none()
                      : Option.some("database-not-storing")
          )
        ),
      found: "500 millis",
      unknown: "500 millis",
      capacity: 1
    })
    return Readiness.of({
      check: asked("").pipe(
        Effect.mapError(({ code }) => new NotReady({ reason: "database-unreachable", code })),
        Effect.flatMap(
          Option.match({ onNone: () => Effect.void, onSome: (reason) => Effect.fail(new NotReady({ reason })) })
        )
      )
    })
  })
).pipe(Layer.provide(WriteHealth.layer))
