/**
 * Forgets what is older than it may be. `core/sites/Retention` says what that is.
 *
 * Every process tries, and one at a time does it: each statement first takes a lock that nobody waits for. A month is
 * dropped whole. For that moment nobody may store or read page views, so the lock is waited for a fifth of a second at
 * most, since whoever stores waits behind it; if a report is just being read, the month is dropped a minute later.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { type Cause, Clock, Duration, Effect, Exit, Option, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as Retention from "../../core/sites/Retention.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import * as Database from "../Database.ts"
import * as Partitions from "./Partitions.ts"

/** How long each is kept; none for ever. */
export interface Options {
  /** Of page views, those of robots, and the counts of what was not counted. */
  readonly pageViews: Option.Option<Retention.Retention>
  readonly submissions: Option.Option<Retention.Retention>
  /** Of conversations, after their last message. */
  readonly conversations: Option.Option<Retention.Retention>
}

/** How many rows one statement deletes: enough to be done soon, few enough for the longest forms. */
const chunk = 1_000

/** How long one statement may take. */
const patience = Duration.minutes(1)

/** Any number that nothing else locks. */
const advisoryLock = 7_215_930_443

const Mine = Schema.Tuple([Schema.Struct({ mine: Schema.Boolean })])

/** Does it in a transaction, unless another process is at it: then none. */
const exclusively = <A, E, R>(statement: Effect.Effect<A, E, R>) =>
  SqlClient.SqlClient.use((sql) =>
    Effect.gen(function* () {
      yield* sql.unsafe("SET LOCAL lock_timeout = '200ms'")
      const [{ mine }] = yield* sql
        .unsafe(`SELECT pg_try_advisory_xact_lock(${advisoryLock}) AS mine`)
        .pipe(decodeRows(Mine))
      return mine ? Option.some(yield* statement) : Option.none()
    }).pipe(sql.withTransaction, Effect.timeout(patience))
  )

/** Something else keeps the table: a view on it (2BP01), its owner (42501), or that it is of another kind (42809). */
const isKept = (error: SqlError.SqlError | Cause.TimeoutError): error is SqlError.SqlError =>
  error._tag === "SqlError" && Option.exists(Database.sqlState(error), (code) => /^(2BP01|42501|42809)$/.test(code))

const Deleted = Schema.Tuple([Schema.Struct({ deleted: Schema.BigInt })])

/**
 * Deletes the rows at the places that `old` selects, chunk by chunk, and gives how many they were. A place is one of a table's
 * alone: one that was partitioned by hand has others like it, so the rows must be old themselves.
 */
const deleteRows = Effect.fnUntraced(function* (
  table: string,
  time: "received_at" | "day" | "updated_at",
  old: string,
  before: PgTypes.Parameter
) {
  const sql = yield* SqlClient.SqlClient
  let sum = 0
  while (true) {
    const done = yield* exclusively(
      sql
        .unsafe(
          `WITH gone AS (DELETE FROM ${table} WHERE ctid = ANY (ARRAY(${old} LIMIT ${chunk})) AND ${time} < $1 RETURNING 1)
          SELECT count(*) AS deleted FROM gone`,
          [before]
        )
        .pipe(decodeRows(Deleted))
    )
    if (Option.isNone(done)) return sum
    const [{ deleted }] = done.value
    sum += Number(deleted)
    if (deleted < chunk) return sum
  }
})

/** What a round forgot: the months that were dropped, and rows. */
interface Forgotten {
  readonly partitions: Array<string>
  rows: number
  decisionCounts: number
  submissions: number
  conversations: number
}

/**
 * Drops months, each by itself: one on which something else depends keeps no other. One whose lock is not to be had ends it,
 * since page views wait behind each try.
 */
const dropMonths = Effect.fnUntraced(function* (months: ReadonlyArray<Partitions.Present>, forgotten: Forgotten) {
  const sql = yield* SqlClient.SqlClient
  let failed: SqlError.SqlError | undefined
  for (const { name } of months) {
    // Another process may have dropped it between two looks.
    const dropped = yield* exclusively(sql.unsafe(`DROP TABLE IF EXISTS ${name}`)).pipe(
      Effect.catchIf(isKept, (error) =>
        Effect.sync(() => {
          failed ??= error
          return Option.none()
        })
      )
    )
    if (Option.isSome(dropped)) forgotten.partitions.push(name)
  }
  if (failed !== undefined) return yield* Effect.fail(failed)
})

const forgetPageViews = Effect.fnUntraced(function* (
  partitions: ReadonlyArray<Partitions.Present>,
  first: number,
  forgotten: Forgotten
) {
  for (const { name } of partitions.filter(({ isDefault }) => isDefault)) {
    const old = `SELECT ctid FROM ${name} WHERE received_at < $1`
    forgotten.rows += yield* deleteRows(name, "received_at", old, PgTypes.timestamptz(first))
  }
  forgotten.decisionCounts += yield* deleteRows(
    "not_counted",
    "day",
    "SELECT ctid FROM not_counted WHERE day < $1",
    PgTypes.date(new Date(first).toISOString().slice(0, 10))
  )
})

/** Website by website, since the index of the submissions begins with it. */
const oldSubmissions = `SELECT place FROM site CROSS JOIN LATERAL (
  SELECT ctid AS place FROM submission
  WHERE website_config_id = site.website_config_id AND received_at < $1 ORDER BY received_at LIMIT ${chunk}
) AS old`

const forgetSubmissions = Effect.fnUntraced(function* (kept: Retention.Retention, now: number, forgotten: Forgotten) {
  const before = PgTypes.timestamptz(Retention.cutoff(kept, now))
  forgotten.submissions += yield* deleteRows("submission", "received_at", oldSubmissions, before)
})

/** Instance by instance, since the index of the conversations begins with it. */
const oldConversations = `SELECT place FROM instance CROSS JOIN LATERAL (
  SELECT ctid AS place FROM conversation
  WHERE instance_id = instance.instance_id AND updated_at < $1 ORDER BY updated_at LIMIT ${chunk}
) AS old`

const forgetConversations = Effect.fnUntraced(function* (kept: Retention.Retention, now: number, forgotten: Forgotten) {
  const before = PgTypes.timestamptz(Retention.cutoff(kept, now))
  forgotten.conversations += yield* deleteRows("conversation", "updated_at", oldConversations, before)
})

const Now = Schema.Tuple([Schema.Struct({ now: Schema.Finite })])

/** The earlier one of this machine's time and the database's: a clock that is ahead must not cost what is still to be kept. */
const earlierNow = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [{ now }] = yield* sql`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`.pipe(
    Effect.timeout(patience),
    decodeRows(Now)
  )
  return Math.min(now, yield* Clock.currentTimeMillis)
})

/** Tells the operator in one line, if anything was forgotten. */
const report = ({ conversations, decisionCounts, partitions, rows, submissions }: Forgotten): Effect.Effect<void> =>
  partitions.length + rows + decisionCounts + submissions + conversations === 0
    ? Effect.void
    : Effect.logInfo("Forgot what is older than its retention").pipe(
        Effect.annotateLogs({ partitions: partitions.join(", "), rows, decisionCounts, submissions, conversations })
      )

/** Forgets all that is older than its retention, as far as no other process is at it, and says so in the log. */
export const forget = (
  options: Options
): Effect.Effect<void, SqlError.SqlError | Cause.TimeoutError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    if (Object.values(options).every(Option.isNone)) return
    const now = yield* earlierNow
    const forgotten: Forgotten = { partitions: [], rows: 0, decisionCounts: 0, submissions: 0, conversations: 0 }
    yield* Effect.gen(function* () {
      const parts = []
      if (Option.isSome(options.submissions)) parts.push(forgetSubmissions(options.submissions.value, now, forgotten))
      if (Option.isSome(options.conversations)) {
        parts.push(forgetConversations(options.conversations.value, now, forgotten))
      }
      if (Option.isSome(options.pageViews)) {
        const partitions = yield* Partitions.list
        parts.push(
          forgetPageViews(partitions, Retention.firstMonth(options.pageViews.value, now), forgotten),
          dropMonths(Retention.expired(options.pageViews.value, partitions, now), forgotten)
        )
      }
      // What fails keeps nothing of the others; it is told when all are done.
      const exits = yield* Effect.forEach(parts, Effect.exit)
      yield* Exit.asVoidAll(exits)
    }).pipe(Effect.ensuring(Effect.suspend(() => report(forgotten))))
  })
