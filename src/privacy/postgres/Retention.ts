/**
 * Deletes data older than its retention (`sites/Retention`).
 *
 * Page views, bot views and events are dropped by partition, which locks the table. Inserts queue behind a waiting lock request, so
 * the request waits at most 200 ms. If a report is running, the partition is dropped in the next round, a minute later.
 *
 * @module
 */
import { Effect, Exit, Option } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { SeparateStore } from "../../analytics/SeparateStore.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import * as Partitions from "../../platform/postgres/schema/Partitions.ts"
import * as Times from "../../platform/postgres/Times.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as Retention from "../../sites/Retention.ts"
import { deleteRows, type Rows } from "./KeptRows.ts"

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

/** The table cannot be dropped: a view depends on it (2BP01), it has another owner (42501), or it is not a table (42809). */
const isUndroppable = (error: SqlError.SqlError): boolean =>
  Option.exists(Database.sqlState(error), (code) => /^(2BP01|42501|42809)$/.test(code))

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
 * Drops partitions independently, and adds their names to `dropped`: one that cannot be dropped does not prevent the others from
 * being dropped. Stops at the first lock timeout, since page views queue behind each attempt.
 */
const dropMonths = Effect.fnUntraced(function* (months: ReadonlyArray<Partitions.Present>, dropped: Array<string>) {
  const sql = yield* SqlClient.SqlClient
  let failed: SqlError.SqlError | undefined
  for (const { name, parent, to } of months) {
    // `IF EXISTS`: another process may have dropped it meanwhile. The rollups that count its rows are deleted too.
    yield* sql.unsafe("SET LOCAL lock_timeout = '200ms'").pipe(
      Effect.andThen(sql.unsafe(`DROP TABLE IF EXISTS ${name}`)),
      Effect.andThen(deleteRollups(parent, to)),
      sql.withTransaction,
      Effect.andThen(Effect.sync(() => void dropped.push(name))),
      Effect.catchIf(isUndroppable, (error) =>
        Effect.sync(() => {
          failed ??= error
        })
      )
    )
  }
  if (failed !== undefined) return yield* Effect.fail(failed)
})

/** The rows of page views that no partition of a month has, of conversions and of decision counts, before `firstKept`. */
const oldAnalytics = (partitions: ReadonlyArray<Partitions.Present>, firstKept: number) =>
  [
    ...partitions
      .filter(({ isDefault }) => isDefault)
      .map(({ name }) => ["rows", { table: name, condition: "received_at < $1", times: [firstKept] }] as const),
    // The outbox has old conversions only if a separate store was unavailable for a long time, or is no longer used.
    ...["conversion", "conversion_outbox"].map(
      (table) => ["conversions", { table, condition: "visit_started_at < $1", times: [firstKept] }] as const
    ),
    ["decisionCounts", { table: "not_counted", condition: "day < ($1 AT TIME ZONE 'UTC')::date", times: [firstKept] }]
  ] as const

/** Website by website, since the index of the submissions begins with the website's id. */
const oldSubmissions = (table: string, before: number): Rows => ({
  table,
  condition: "received_at < $1",
  times: [before],
  places: `SELECT place FROM site CROSS JOIN LATERAL (
    SELECT ctid AS place FROM ${table}
    WHERE website_config_id = site.website_config_id AND received_at < $1 ORDER BY received_at LIMIT ${chunk}
  ) AS old`,
  about: "submission_id::text",
  erase: Outbox.eraseSubmissions,
  chunk
})

/** Instance by instance, since the index of the conversations begins with the instance's id. */
const oldConversations = (before: number): Rows => ({
  table: "conversation",
  condition: "updated_at < $1",
  times: [before],
  places: `SELECT place FROM instance CROSS JOIN LATERAL (
    SELECT ctid AS place FROM conversation
    WHERE instance_id = instance.instance_id AND updated_at < $1 ORDER BY updated_at LIMIT ${chunk}
  ) AS old`,
  about: "instance_id || ' ' || conversation_id",
  erase: Outbox.erase,
  chunk
})

/** Deletes the data older than its retention, and logs what was deleted. */
export const deleteExpired = Effect.fnUntraced(function* ({ conversations, pageViews, submissions }: Options) {
  const now = yield* Times.earlierNow
  const partitions: Array<string> = []
  const counts = { rows: 0, conversions: 0, decisionCounts: 0, submissions: 0, conversations: 0 }
  const deleted = (kind: keyof typeof counts, rows: Rows) =>
    Effect.map(deleteRows(rows), (sum) => {
      counts[kind] += sum.deleted
    })

  const parts: Array<Effect.Effect<void, SqlError.SqlError | StorageUnavailable, SqlClient.SqlClient>> = []
  if (Option.isSome(submissions)) {
    const before = Retention.cutoff(submissions.value, now)
    for (const table of ["submission", "deleted_submission"]) {
      parts.push(deleted("submissions", oldSubmissions(table, before)))
    }
  }
  if (Option.isSome(conversations)) {
    parts.push(deleted("conversations", oldConversations(Retention.cutoff(conversations.value, now))))
  }
  if (Option.isSome(pageViews)) {
    const present = yield* Partitions.list
    const separate = yield* SeparateStore
    const firstKept = Retention.firstMonth(pageViews.value, now)
    if (Option.isSome(separate)) {
      // Several processes may do so at once.
      parts.push(Effect.map(separate.value.dropMonthsBefore(firstKept), (months) => void partitions.push(...months)))
    }
    parts.push(
      ...oldAnalytics(present, firstKept).map(([kind, rows]) => deleted(kind, rows)),
      dropMonths(Retention.expired(pageViews.value, present, now), partitions)
    )
  }
  const report = Effect.suspend(() =>
    partitions.length === 0 && Object.values(counts).every((count) => count === 0)
      ? Effect.void
      : Effect.annotateLogs(Effect.logInfo("Deleted expired data"), {
          ...(partitions.length > 0 && { partitions: partitions.join(", ") }),
          ...counts
        })
  )
  // A failure does not stop the other parts; it is reported after all have run.
  const exits = yield* Effect.ensuring(Effect.forEach(parts, Effect.exit), report)
  yield* Exit.asVoidAll(exits)
})
