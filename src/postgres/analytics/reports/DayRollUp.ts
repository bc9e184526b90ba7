/**
 * Stores and sums the visits of days. Each exported function runs one transaction, which holds a lock of the website.
 *
 * The visits of an open day are stored and summed up to a time, and later rows continue them (`advance`). Only the sums of a day
 * that has ended have conversions: a lead may be of a visit that began long before it.
 *
 * If a row that was received before the horizon is added later, it is marked in `rollup_stale`; see the migrations
 * `0007_rollups` and `0037_open_visits`.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Option, Schema } from "effect"
import { type SqlClient, SqlError } from "effect/sql"
import type { Day } from "../../../core/analytics/report/LocalTime.ts"
import type { LocalDate } from "../../../core/analytics/report/Query.ts"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import * as RollupPlan from "../../../core/analytics/report/RollupPlan.ts"
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

/** The arbitrary first key of the locks that a process holds while it rolls up a website. */
const advisoryLock = 721_593_044

/** SQL of the keys of a website's lock. `site` is SQL of its hosted website's id, as a text. */
export const lockKeys = (site: string): string => `${advisoryLock}, hashtext(${site})`

const Mine = Schema.Tuple([Schema.Struct({ mine: Schema.Boolean })])
const Found = Schema.Array(Schema.Struct({}))

/** The website is being deleted, or has another time zone than when it was read. */
export class SiteChanged extends Schema.TaggedError<SiteChanged>()("SiteChanged", {}) {}

/** Another process rolls up the website at this moment. */
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
          `SELECT pg_try_advisory_xact_lock(${lockKeys("$2")}) AS mine, set_config('jit', 'off', true),
          set_config('max_parallel_workers_per_gather', '0', true), set_config('work_mem', '64MB', true),
          set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true),
          set_config('statement_timeout', $1, true)`,
          [PgTypes.text(String(yield* MaxStatement)), PgTypes.text(site.hostedWebsiteId)]
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
const isMarked = (site: string, condition: string): string => `EXISTS (
  SELECT FROM rollup_stale WHERE hosted_website_id = ${site} AND ${condition}
    AND hour < ends_at AND hour + interval '1 hour' > starts_at)`

/** The `goals` of a day whose leads have changed since it was summed. */
const otherLeads = "other leads"

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
      const changes = [
        `DELETE FROM rollup_month WHERE hosted_website_id = $1 AND ${isMarked("$1", "true")}`,
        `DELETE FROM rollup_day WHERE hosted_website_id = $1 AND (is_partly_summed OR ${isMarked("$1", "changes_visits")})`,
        `UPDATE rollup_day SET goals = '${otherLeads}' WHERE hosted_website_id = $1 AND goals <> '' AND ${isMarked("$1", "true")}`
      ]
      for (const change of changes) yield* sql.unsafe(change, [id])
      yield* sql`DELETE FROM rollup_stale WHERE hosted_website_id = ${id}`
      // The rollup run's last step sets these again. If the rollup run fails before that, the next round finds the website due.
      yield* sql`UPDATE rollup_site SET rolled_before = NULL WHERE hosted_website_id = ${id}`
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

/** Replaces the sums of successive days. */
const storeSums = (sql: SqlClient.SqlClient, input: DaySumSql.Input) => {
  const { days, hostedWebsiteId } = input
  const parameters = new Parameters()
  const groups = DaySumSql.statement(parameters, input)
  return sql.unsafe(
    RollupRows.replaceDays(parameters, parameters.uuid(hostedWebsiteId), rangeOf(days), groups),
    parameters.values
  )
}

/** Adds to the sums of a day what the rows of a part of it add to the visits that are stored. */
const addToSums = (sql: SqlClient.SqlClient, site: Site, day: Day, part: Interval) => {
  const parameters = new Parameters()
  const groups = DaySumSql.addition(parameters, site, day, part)
  return sql.unsafe(
    RollupRows.replaceDays(parameters, parameters.uuid(site.hostedWebsiteId), rangeOf([day]), groups, true),
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

/** Says that the visits of days are stored up to their ends. `goals` is empty if the sums have no conversions. */
const markStored = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  site: Site,
  days: ReadonlyArray<Day>,
  goals: string
): Effect.fn.Return<void, SqlError.SqlError> {
  const id = PgTypes.uuid(site.hostedWebsiteId)
  const times = (of: (day: Day) => number) => Database.array(days.map(of), PgTypes.OID.timestamptz)
  const dates = Database.array(
    days.map(({ date }) => date),
    PgTypes.OID.date
  )
  yield* sql`DELETE FROM rollup_day WHERE hosted_website_id = ${id} AND day = ANY (${dates})`
  yield* sql`INSERT INTO rollup_day (hosted_website_id, day, starts_at, ends_at, reaches_to, goals)
    SELECT ${id}, day, starts_at, ends_at, ends_at, ${goals}
    FROM unnest(${dates}, ${times(({ start }) => start)}, ${times(({ end }) => end)}) AS rolled (day, starts_at, ends_at)`
})

/** Stores the visits of an interval of successive days, in place of those that its rows continue. */
const storeVisits = (sql: SqlClient.SqlClient, site: Site, interval: Interval, days: ReadonlyArray<Day>) => {
  const parameters = new Parameters()
  const id = parameters.uuid(site.hostedWebsiteId)
  const columns = VisitSql.visitColumns.join(", ")
  const visits = VisitSql.rawVisits(parameters, id, [interval], { channel: true, days })
  const continues = VisitSql.openParts([interval], days).length > 0
  return sql.unsafe(
    `WITH ${visits}${
      continues ? ", replaced AS (DELETE FROM visit WHERE visit_id IN (SELECT visit_id FROM continued))" : ""
    }
      INSERT INTO visit (hosted_website_id, ${columns}) SELECT ${id}, ${columns} FROM raw_visit`,
    parameters.values
  )
}

/** Deletes the visits that begin in an interval. */
const deleteVisits = (sql: SqlClient.SqlClient, site: Site, { end, start }: Interval) =>
  sql`DELETE FROM visit WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}
    AND started_at >= ${PgTypes.timestamptz(start)} AND started_at < ${PgTypes.timestamptz(end)}`

/** Deletes the sums of the months that overlap an interval. */
const deleteMonths = (sql: SqlClient.SqlClient, site: Site, { end, start }: Interval) =>
  sql`DELETE FROM rollup_month WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}
    AND starts_at < ${PgTypes.timestamptz(end)} AND ends_at > ${PgTypes.timestamptz(start)}`

/**
 * Replaces the sums of successive days that have ended, and their visits unless those of all days are stored. Without
 * `isRebuild`, does nothing if all days are summed with the current goals.
 */
export const rollDays = (sql: SqlClient.SqlClient, site: Site, days: ReadonlyArray<Day>, isRebuild: boolean) => {
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return Effect.void
  const whole = { start: first.start, end: last.end }
  return exclusively(
    sql,
    site
  )(
    Effect.gen(function* () {
      const state = yield* RollupState.read(sql, site, site.timeZone, { ...rangeOf(days), months: [] })
      const current = RollupState.withCurrentGoals(state)
      // Another process may have stored the days in the meantime.
      const isStored = (known: RollupPlan.State) => days.every(({ date, end }) => known.days.get(date)?.end === end)
      if (!isRebuild && isStored(current)) return
      yield* deleteMonths(sql, site, whole)
      yield* deleteSums(sql, site, days)
      if (isRebuild || !isStored(state)) {
        yield* deleteVisits(sql, site, whole)
        yield* storeVisits(sql, site, whole, days)
      }
      yield* storeSums(sql, { ...site, days, goals: state.goals })
      yield* markStored(sql, site, days, RollupState.fingerprint(state.goals))
    })
  )
}

const Time = Schema.Array(Schema.Struct({ millis: Schema.Finite }))

/** The time of the row after `maxRows` rows of an interval; null if it has no more. */
const timeAfter = (sql: SqlClient.SqlClient, site: Site, interval: Interval, maxRows: number) => {
  const parameters = new Parameters()
  const id = parameters.uuid(site.hostedWebsiteId)
  const times = ["page_view", "event"].map((table) =>
    VisitSql.inIntervals(parameters, id, [interval], { table, columns: "received_at", time: "received_at" })
  )
  return sql
    .unsafe(
      `SELECT floor(extract(epoch FROM received_at) * 1000)::float8 AS millis FROM (${times.join(" UNION ALL ")}) AS row
        ORDER BY received_at OFFSET ${maxRows} LIMIT 1`,
      parameters.values
    )
    .pipe(
      decodeRows(Time),
      Effect.map(([found]) => found?.millis ?? null)
    )
}

/**
 * Stores the visits of a day up to the horizon (milliseconds since 1970; see `RollUpLoop`), or up to `maxRows` rows after the
 * visits that are stored. Returns whether all rows before the horizon are stored. Does nothing
 * if the day has changed since its visits were stored.
 */
export const advance = (sql: SqlClient.SqlClient, site: Site, day: Day, horizon: number, maxRows: number) =>
  exclusively(
    sql,
    site
  )(
    Effect.gen(function* () {
      const state = yield* RollupState.read(sql, site, site.timeZone, { ...rangeOf([day]), months: [] })
      const known = state.days.get(day.date)
      const start = known?.end ?? day.start
      const until = Math.min(horizon, day.end)
      if (until <= start || (known !== undefined && RollupPlan.isStale(known, state.staleVisits))) return true
      const after = yield* timeAfter(sql, site, { start, end: until }, maxRows)
      // Rows of one millisecond are stored together.
      const end = after === null ? until : Math.min(until, Math.max(after, start + 1))
      if (known === undefined) {
        yield* deleteSums(sql, site, [day])
        yield* deleteVisits(sql, site, day)
      }
      if (end < day.end) yield* addToSums(sql, site, day, { start, end })
      yield* storeVisits(sql, site, { start, end }, [day])
      if (end === day.end) yield* storeSums(sql, { ...site, days: [day], goals: state.goals })
      yield* markStored(sql, site, [{ ...day, end }], end === day.end ? RollupState.fingerprint(state.goals) : "")
      return end === until
    })
  )
