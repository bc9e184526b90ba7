/**
 * Deletes data older than its retention (`sites/Retention`).
 *
 * Every process tries, and one at a time deletes: each transaction first tries to take an advisory lock, without waiting. Page
 * views, bot views and events are dropped by partition, which locks the table. Inserts queue behind a waiting lock request, so
 * the request waits at most 200 ms. If a report is running, the partition is dropped in the next round, a minute later.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Exit, Option, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { SeparateStore, type Store } from "../../analytics/SeparateStore.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import * as Partitions from "../../platform/postgres/schema/Partitions.ts"
import * as Times from "../../platform/postgres/Times.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as Retention from "../../sites/Retention.ts"

/** The retention of each kind of data; none means forever. */
export interface Options {
  /** Of page views, bot views, events, conversions and decision counts (table `not_counted`). */
  readonly pageViews: Option.Option<Retention.Retention>
  readonly submissions: Option.Option<Retention.Retention>
  /** Of conversations, from their last message. */
  readonly conversations: Option.Option<Retention.Retention>
}

/** The maximum number of rows deleted per statement, small enough for the largest submissions. */
const chunk = 1_000

/** An arbitrary unique key. */
const advisoryLock = 7_215_930_443

const Lock = Schema.Tuple([Schema.Struct({ acquired: Schema.Boolean })])

/** Runs a statement in a transaction, or returns none if another process holds the lock. */
const exclusively = <A, E, R>(statement: Effect.Effect<A, E, R>) =>
  SqlClient.SqlClient.use((sql) =>
    Effect.gen(function* () {
      yield* sql.unsafe("SET LOCAL lock_timeout = '200ms'")
      const [{ acquired }] = yield* sql
        .unsafe(`SELECT pg_try_advisory_xact_lock(${advisoryLock}) AS acquired`)
        .pipe(decodeRows(Lock))
      return acquired ? Option.some(yield* statement) : Option.none()
    }).pipe(sql.withTransaction)
  )

/** The table cannot be dropped: a view depends on it (2BP01), it has another owner (42501), or it is not a table (42809). */
const isUndroppable = (error: SqlError.SqlError): boolean =>
  Option.exists(Database.sqlState(error), (code) => /^(2BP01|42501|42809)$/.test(code))

const Deleted = Schema.Tuple([Schema.Struct({ deleted: Schema.BigInt, subjects: Schema.Array(Schema.String) })])

/** The subjects of the events about a table's rows. */
interface Subjects {
  /** An SQL expression: the subject of a row's events. */
  readonly column: string
  /** Deletes the data of these subjects from events and deliveries. */
  readonly erase: typeof Outbox.erase
}

/**
 * Deletes the rows whose ctid `old` selects, in chunks, and returns their number. A manually partitioned table can have several
 * rows with the same ctid, so the deletion checks each row's age again. Events and deliveries lose the data of the rows'
 * subjects in the same transaction.
 */
const deleteRows = Effect.fnUntraced(function* (
  table: string,
  time: "received_at" | "day" | "updated_at" | "visit_started_at",
  old: string,
  before: PgTypes.Parameter,
  about?: Subjects
) {
  const sql = yield* SqlClient.SqlClient
  let sum = 0
  while (true) {
    const done = yield* exclusively(
      sql
        .unsafe(
          `WITH gone AS (
            DELETE FROM ${table} WHERE ctid = ANY (ARRAY(${old} LIMIT ${chunk})) AND ${time} < $1
            RETURNING ${about?.column ?? "NULL::text"} AS subject
          )
          SELECT count(*) AS deleted, coalesce(array_agg(subject) FILTER (WHERE subject IS NOT NULL), '{}') AS subjects FROM gone`,
          [before]
        )
        .pipe(
          decodeRows(Deleted),
          Effect.tap(([{ subjects }]) =>
            about === undefined || subjects.length === 0 ? Effect.void : about.erase(sql, subjects)
          )
        )
    )
    if (Option.isNone(done)) return sum
    const [{ deleted }] = done.value
    sum += Number(deleted)
    if (deleted < chunk) return sum
  }
})

/** The dropped partitions and the numbers of deleted rows of one round. */
interface Deletions {
  readonly partitions: Array<string>
  rows: number
  conversions: number
  decisionCounts: number
  submissions: number
  conversations: number
}

/** Deletes the rollups of days and months with rows before `to`. Days that have rows left are rolled up again. */
const deleteRollups = Effect.fnUntraced(function* (parent: Partitions.Present["parent"], to: number | null) {
  const sql = yield* SqlClient.SqlClient
  if (parent === "bot_view" || to === null) return
  for (const table of ["rollup_month", "rollup_day"]) {
    yield* sql`DELETE FROM ${sql(table)} WHERE starts_at < ${new Date(to)}::timestamptz + interval '30 minutes'`
  }
  yield* sql`UPDATE rollup_site SET rolled_before = NULL, retry_at = NULL`
})

/**
 * Drops partitions independently: one that cannot be dropped does not prevent the others from being dropped. Stops at the
 * first lock timeout, since page views queue behind each attempt.
 */
const dropMonths = Effect.fnUntraced(function* (months: ReadonlyArray<Partitions.Present>, deletions: Deletions) {
  const sql = yield* SqlClient.SqlClient
  let failed: SqlError.SqlError | undefined
  for (const { name, parent, to } of months) {
    // `IF EXISTS`: another process may have dropped it meanwhile. The rollups that count its rows are deleted too.
    const dropped = yield* exclusively(
      Effect.andThen(sql.unsafe(`DROP TABLE IF EXISTS ${name}`), deleteRollups(parent, to))
    ).pipe(
      Effect.catchIf(isUndroppable, (error) =>
        Effect.sync(() => {
          failed ??= error
          return Option.none()
        })
      )
    )
    if (Option.isSome(dropped)) deletions.partitions.push(name)
  }
  if (failed !== undefined) return yield* Effect.fail(failed)
})

const deleteAnalyticsRows = Effect.fnUntraced(function* (
  partitions: ReadonlyArray<Partitions.Present>,
  firstKept: number,
  deletions: Deletions
) {
  for (const { name } of partitions.filter(({ isDefault }) => isDefault)) {
    const old = `SELECT ctid FROM ${name} WHERE received_at < $1`
    deletions.rows += yield* deleteRows(name, "received_at", old, PgTypes.timestamptz(firstKept))
  }
  // The outbox has old conversions only if a separate store was unavailable for a long time, or is no longer used.
  for (const table of ["conversion", "conversion_outbox"]) {
    deletions.conversions += yield* deleteRows(
      table,
      "visit_started_at",
      `SELECT ctid FROM ${table} WHERE visit_started_at < $1`,
      PgTypes.timestamptz(firstKept)
    )
  }
  deletions.decisionCounts += yield* deleteRows(
    "not_counted",
    "day",
    "SELECT ctid FROM not_counted WHERE day < $1",
    PgTypes.date(new Date(firstKept).toISOString().slice(0, 10))
  )
})

/** Drops the expired months of a separate store. Several processes may do so at once. */
const dropSeparate = (store: Store, firstKept: number, deletions: Deletions) =>
  Effect.map(store.dropMonthsBefore(firstKept), (months) => {
    deletions.partitions.push(...months)
  })

/** Website by website, since the index of the submissions begins with the website's id. */
const oldSubmissions = (table: string) => `SELECT place FROM site CROSS JOIN LATERAL (
  SELECT ctid AS place FROM ${table}
  WHERE website_config_id = site.website_config_id AND received_at < $1 ORDER BY received_at LIMIT ${chunk}
) AS old`

const deleteSubmissions = Effect.fnUntraced(function* (kept: Retention.Retention, now: number, deletions: Deletions) {
  const before = PgTypes.timestamptz(Retention.cutoff(kept, now))
  for (const table of ["submission", "deleted_submission"]) {
    deletions.submissions += yield* deleteRows(table, "received_at", oldSubmissions(table), before, {
      column: "submission_id::text",
      erase: Outbox.eraseSubmissions
    })
  }
})

/** Instance by instance, since the index of the conversations begins with the instance's id. */
const oldConversations = `SELECT place FROM instance CROSS JOIN LATERAL (
  SELECT ctid AS place FROM conversation
  WHERE instance_id = instance.instance_id AND updated_at < $1 ORDER BY updated_at LIMIT ${chunk}
) AS old`

const deleteConversations = Effect.fnUntraced(function* (kept: Retention.Retention, now: number, deletions: Deletions) {
  const before = PgTypes.timestamptz(Retention.cutoff(kept, now))
  deletions.conversations += yield* deleteRows("conversation", "updated_at", oldConversations, before, {
    column: "instance_id || ' ' || conversation_id",
    erase: Outbox.erase
  })
})

/** Logs what was deleted, if anything was. */
const report = ({ partitions, ...counts }: Deletions): Effect.Effect<void> =>
  partitions.length === 0 && Object.values(counts).every((count) => count === 0)
    ? Effect.void
    : Effect.logInfo("Deleted expired data").pipe(
        Effect.annotateLogs({ ...(partitions.length > 0 && { partitions: partitions.join(", ") }), ...counts })
      )

/** Deletes the data older than its retention, except what another process is deleting, and logs what it deleted. */
export const deleteExpired: (
  options: Options
) => Effect.Effect<void, SqlError.SqlError | StorageUnavailable, SqlClient.SqlClient> = Effect.fnUntraced(
  function* (options) {
    if (Object.values(options).every(Option.isNone)) return
    const now = yield* Times.earlierNow
    const deletions: Deletions = {
      partitions: [],
      rows: 0,
      conversions: 0,
      decisionCounts: 0,
      submissions: 0,
      conversations: 0
    }
    yield* Effect.gen(function* () {
      const parts: Array<ReturnType<typeof deleteExpired>> = []
      if (Option.isSome(options.submissions)) parts.push(deleteSubmissions(options.submissions.value, now, deletions))
      if (Option.isSome(options.conversations)) {
        parts.push(deleteConversations(options.conversations.value, now, deletions))
      }
      if (Option.isSome(options.pageViews)) {
        const partitions = yield* Partitions.list
        const separate = yield* SeparateStore
        if (Option.isSome(separate)) {
          parts.push(dropSeparate(separate.value, Retention.firstMonth(options.pageViews.value, now), deletions))
        }
        parts.push(
          deleteAnalyticsRows(partitions, Retention.firstMonth(options.pageViews.value, now), deletions),
          dropMonths(Retention.expired(options.pageViews.value, partitions, now), deletions)
        )
      }
      // A failure does not stop the other parts; it is reported after all have run.
      const exits = yield* Effect.forEach(parts, Effect.exit)
      yield* Exit.asVoidAll(exits)
    }).pipe(Effect.ensuring(Effect.suspend(() => report(deletions))))
  }
)
