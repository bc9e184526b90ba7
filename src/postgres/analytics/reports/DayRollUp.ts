/**
 * Stores and sums the visits of closed days, and deletes outdated rollups. Each exported function runs one transaction, except
 * `storeSums`, which runs in the caller's transaction.
 *
 * If a row that was received before the horizon is added later, it is marked in `rollup_stale`; see the migration
 * `0007_rollups`. A day is closed if the day and all of its visits ended more than 30 minutes before the horizon; otherwise it
 * is open.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Option, Schema } from "effect"
import { type SqlClient, SqlError } from "effect/sql"
import type { Day } from "../../../core/analytics/report/LocalTime.ts"
import type { LocalDate } from "../../../core/analytics/report/Query.ts"
import { maxGap } from "../../../core/analytics/report/Visits.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import * as Database from "../../Database.ts"
import * as DaySumSql from "./DaySumSql.ts"
import { Parameters } from "./Parameters.ts"
import * as RollupRows from "./RollupRows.ts"
import * as RollupState from "./RollupState.ts"
import * as VisitSql from "./VisitSql.ts"

/** A website whose rollups are computed. */
export interface Site {
  readonly websiteConfigId: string
  readonly hostedWebsiteId: string
  readonly timeZone: string
}

/** The arbitrary unique key of the lock that a process holds while it rolls up. */
export const advisoryLock = 7_215_930_444

const Mine = Schema.Tuple([Schema.Struct({ mine: Schema.Boolean })])
const Found = Schema.Array(Schema.Struct({}))

/** The website is being deleted, or has another time zone than when it was read. */
export class SiteChanged extends Schema.TaggedError<SiteChanged>()("SiteChanged", {}) {}

/** Another process rolls up at this moment. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {}

/** The timeout of a statement of a rollup run, in milliseconds; 0 for none. A statement sums at most a day, or 100,000 rows. */
export const MaxStatement = Context.Reference<number>("hydracore/postgres/analytics/reports/DayRollUp/MaxStatement", {
  defaultValue: () => 300_000
})

/** Whether a row that the statement writes was changed since the transaction's snapshot. */
const isOutdated = (error: unknown): boolean =>
  SqlError.isSqlError(error) && Option.contains(Database.sqlState(error), "40001")

/**
 * Runs a transaction on a website's rollups with one snapshot. `rollup_day` is locked before the snapshot is taken, so that
 * `SiteErasure` waits for transactions that do not see the website's deletion. Only hash joins are allowed, because the planner
 * has no statistics of the rows and expressions of the transaction itself: nested loops can take hours, and merge joins sort.
 *
 * After this transaction took its snapshot, and before it gets the advisory lock, another process may commit. Therefore every
 * transaction writes the website's row in `rollup_site`, which fails if the snapshot does not include the previous transaction.
 */
export const exclusively =
  (sql: SqlClient.SqlClient, site: Site) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError | SiteChanged | Busy, R> =>
    Effect.gen(function* () {
      yield* sql.unsafe("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
      yield* sql.unsafe("LOCK TABLE rollup_day IN ROW EXCLUSIVE MODE")
      const [{ mine }] = yield* sql
        .unsafe(
          `SELECT pg_try_advisory_xact_lock(${advisoryLock}) AS mine, set_config('jit', 'off', true),
          set_config('max_parallel_workers_per_gather', '0', true), set_config('work_mem', '64MB', true),
          set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true),
          set_config('statement_timeout', $1, true)`,
          [PgTypes.text(String(yield* MaxStatement))]
        )
        .pipe(decodeRows(Mine))
      if (!mine) return yield* new Busy()
      const found = yield* sql`SELECT FROM site WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}
        AND time_zone = ${site.timeZone} AND deleted_at IS NULL`.pipe(decodeRows(Found))
      if (found.length === 0) return yield* new SiteChanged()
      yield* sql`INSERT INTO rollup_site AS held (hosted_website_id, time_zone, version)
        VALUES (${PgTypes.uuid(site.hostedWebsiteId)}, ${site.timeZone}, 0)
        ON CONFLICT (hosted_website_id) DO UPDATE SET version = held.version`
      return yield* work
    }).pipe(
      sql.withTransaction,
      Database.recoverConnectionErrors(),
      Effect.catchIf(isOutdated, () => Effect.fail(new Busy()))
    )

/** Whether a marked hour can change a rollup, as `RollupPlan.isStale` decides. */
const isMarked = (site: string): string => `EXISTS (
  SELECT FROM rollup_stale WHERE hosted_website_id = ${site}
    AND hour <= reaches_to + ${VisitSql.idle} AND hour + interval '1 hour' > starts_at - ${VisitSql.idle})`

const Days = Schema.Array(Schema.Struct({ day: Schema.String, end: Schema.Finite, goals: Schema.String }))
const Months = Schema.Array(Schema.Struct({ month: Schema.String }))

/** The valid rollups of a website. */
export interface ValidRollups {
  /**
   * `end`: the time up to which the day's visits are stored, in milliseconds since 1970. It is the end of the day, or an earlier
   * time if the day is open. `goals`: the fingerprint of the goals that were counted.
   */
  readonly days: ReadonlyMap<LocalDate, { readonly end: number; readonly goals: string }>
  /** The first days of the months. */
  readonly months: ReadonlySet<LocalDate>
  /** When the website's first page view or event was received, in milliseconds since 1970; null without one. */
  readonly first: number | null
}

/**
 * Deletes the rollups of days and months that changed since they were rolled up, or all rollups if the website's time zone or
 * `RollupState.version` changed. Returns the remaining ones.
 */
export const deleteOutdated = (sql: SqlClient.SqlClient, site: Site) => {
  const id = PgTypes.uuid(site.hostedWebsiteId)
  return exclusively(
    sql,
    site
  )(
    Effect.gen(function* (): Effect.fn.Return<ValidRollups, SqlError.SqlError> {
      const valid = yield* sql`SELECT FROM rollup_site WHERE hosted_website_id = ${id} AND time_zone = ${site.timeZone}
        AND version = ${RollupState.version}`.pipe(decodeRows(Found))
      if (valid.length === 0) {
        yield* sql`DELETE FROM rollup_month WHERE hosted_website_id = ${id}`
        yield* sql`DELETE FROM rollup_day WHERE hosted_website_id = ${id}`
        yield* sql`UPDATE rollup_site SET time_zone = ${site.timeZone}, version = ${RollupState.version}
          WHERE hosted_website_id = ${id}`
      }
      for (const table of ["rollup_month", "rollup_day"]) {
        yield* sql.unsafe(`DELETE FROM ${table} WHERE hosted_website_id = $1 AND ${isMarked("$1")}`, [id])
      }
      yield* sql`DELETE FROM rollup_stale WHERE hosted_website_id = ${id}`
      // The rollup run's last step sets these again. If the rollup run fails before that, the next round finds the website due.
      yield* sql`UPDATE rollup_site SET rolled_before = NULL, retry_at = NULL WHERE hosted_website_id = ${id}`
      const days = yield* sql`SELECT day, (extract(epoch FROM ends_at) * 1000)::float8 AS end, goals FROM rollup_day
        WHERE hosted_website_id = ${id}`.pipe(decodeRows(Days))
      const months = yield* sql`SELECT month FROM rollup_month WHERE hosted_website_id = ${id}`.pipe(decodeRows(Months))
      return {
        days: new Map(days.map(({ day, ...stored }) => [day, stored])),
        months: new Set(months.map(({ month }) => month)),
        first: yield* RollupState.firstReceivedAt(sql, site.hostedWebsiteId)
      }
    })
  )
}

/** Deletes the rollups and visits of days before `day`, which have no page views and events any more. */
export const deleteBefore = (sql: SqlClient.SqlClient, site: Site, day: Day) => {
  const id = PgTypes.uuid(site.hostedWebsiteId)
  const date = PgTypes.date(day.date)
  return exclusively(
    sql,
    site
  )(
    Effect.gen(function* () {
      yield* sql`DELETE FROM rollup_month WHERE hosted_website_id = ${id} AND month < ${date}`
      yield* sql`DELETE FROM rollup_day WHERE hosted_website_id = ${id} AND day < ${date}`
      yield* sql`DELETE FROM rollup WHERE hosted_website_id = ${id} AND day < ${date}`
      yield* sql`DELETE FROM visit WHERE hosted_website_id = ${id} AND started_at < ${PgTypes.timestamptz(day.start)}`
    })
  )
}

/** Deletes the rollups of a website's open days, from `day` on. */
export const deleteOpen = (sql: SqlClient.SqlClient, site: Site, day: LocalDate) =>
  exclusively(
    sql,
    site
  )(
    sql`DELETE FROM rollup_day WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}
      AND day >= ${PgTypes.date(day)}`
  )

const rangeOf = (days: ReadonlyArray<Day>) => ({ first: days[0]?.date ?? "", last: days.at(-1)?.date ?? "" })

const Ends = Schema.Array(Schema.Struct({ bucket: Schema.Int, ended_at: Schema.Finite }))

/**
 * Replaces the sums of successive days. If earlier visits are already counted (`since`), adds to the sums instead.
 */
export const storeSums = (sql: SqlClient.SqlClient, input: DaySumSql.Input) => {
  const { days, hostedWebsiteId, since } = input
  const parameters = new Parameters()
  const summed = DaySumSql.statement(parameters, input)
  const groups = `SELECT day AS date, * FROM (${summed}) AS summed WHERE visits > 0 OR conversions > 0`
  return sql.unsafe(
    RollupRows.replaceDays(parameters, parameters.uuid(hostedWebsiteId), rangeOf(days), groups, since !== null),
    parameters.values
  )
}

/** Deletes the sums of successive days. */
const deleteSums = (sql: SqlClient.SqlClient, site: Site, days: ReadonlyArray<Day>) => {
  const parameters = new Parameters()
  return sql.unsafe(
    RollupRows.replaceDays(parameters, parameters.uuid(site.hostedWebsiteId), rangeOf(days), null),
    parameters.values
  )
}

/** Splits days at the open ones, which are left out. */
const split = (days: ReadonlyArray<Day>, isOpen: (day: Day) => boolean): ReadonlyArray<ReadonlyArray<Day>> => {
  const runs: Array<Array<Day>> = [[]]
  for (const day of days) {
    if (isOpen(day)) runs.push([])
    else runs.at(-1)?.push(day)
  }
  return runs.filter((run) => run.length > 0)
}

/**
 * Replaces the visits and sums of successive days. Open days get neither; returns whether no day is open. The horizon is in
 * milliseconds since 1970. Without `isRebuild`, does nothing if all days are stored with the current goals.
 */
export const rollDays = (
  sql: SqlClient.SqlClient,
  site: Site,
  days: ReadonlyArray<Day>,
  horizon: number,
  isRebuild: boolean
) => {
  const id = PgTypes.uuid(site.hostedWebsiteId)
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return Effect.succeed(true)
  const dates = Database.array(
    days.map(({ date }) => date),
    PgTypes.OID.date
  )
  const [start, end] = [PgTypes.timestamptz(first.start), PgTypes.timestamptz(last.end)]
  const columns = VisitSql.visitColumns.join(", ")
  return exclusively(
    sql,
    site
  )(
    Effect.gen(function* () {
      const state = yield* RollupState.read(sql, site, site.timeZone, {
        first: first.date,
        last: last.date,
        months: []
      })
      const current = RollupState.withCurrentGoals(state)
      // Another process may have stored the days in the meantime.
      if (!isRebuild && days.every(({ date, end }) => current.days.get(date)?.end === end)) return true
      const { goals } = state
      yield* sql`DELETE FROM rollup_month WHERE hosted_website_id = ${id}
        AND starts_at < ${end} AND ends_at > ${start}`
      yield* sql`DELETE FROM rollup_day WHERE hosted_website_id = ${id} AND day = ANY (${dates})`
      yield* deleteSums(sql, site, days)
      yield* sql`DELETE FROM visit WHERE hosted_website_id = ${id} AND started_at >= ${start} AND started_at < ${end}`
      const parameters = new Parameters()
      const site_ = parameters.uuid(site.hostedWebsiteId)
      const raw = VisitSql.rawVisits(parameters, site_, [{ start: first.start, end: last.end }], {
        channel: true,
        days
      })
      yield* sql.unsafe(
        `WITH RECURSIVE ${raw} INSERT INTO visit (hosted_website_id, ${columns}) SELECT ${site_}, ${columns} FROM raw_visit`,
        parameters.values
      )
      const starts = Database.array(
        days.map((day) => day.start),
        PgTypes.OID.timestamptz
      )
      const ends = yield* sql`SELECT width_bucket(started_at, ${starts}) AS bucket,
          ceil(extract(epoch FROM max(ended_at)) * 1000)::float8 AS ended_at
        FROM visit WHERE hosted_website_id = ${id} AND started_at >= ${start} AND started_at < ${end} GROUP BY 1`.pipe(
        decodeRows(Ends)
      )
      const endedAt = new Map(ends.map(({ bucket, ended_at }) => [days[bucket - 1]?.date, ended_at]))
      const visitsEnd = (day: Day) => Math.max(day.end, endedAt.get(day.date) ?? 0)
      const isOpen = (day: Day) => visitsEnd(day) + maxGap >= horizon
      for (const day of days.filter(isOpen)) {
        yield* sql`DELETE FROM visit WHERE hosted_website_id = ${id}
          AND started_at >= ${PgTypes.timestamptz(day.start)} AND started_at < ${PgTypes.timestamptz(day.end)}`
      }
      const closed = split(days, isOpen)
      for (const run of closed) {
        yield* storeSums(sql, { ...site, days: run, goals, since: null })
        const times = (of: (day: Day) => number) => Database.array(run.map(of), PgTypes.OID.timestamptz)
        yield* sql`INSERT INTO rollup_day (hosted_website_id, day, starts_at, ends_at, reaches_to, goals)
          SELECT ${id}, day, starts_at, ends_at, reaches_to, ${RollupState.fingerprint(goals)} FROM unnest(
            ${Database.array(
              run.map(({ date }) => date),
              PgTypes.OID.date
            )}, ${times((day) => day.start)}, ${times((day) => day.end)}, ${times(visitsEnd)}
          ) AS rolled (day, starts_at, ends_at, reaches_to)`
      }
      return !days.some(isOpen)
    })
  )
}
