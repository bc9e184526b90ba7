/**
 * Stores and sums the visits of days and months, of many websites at once if they have few page views. Each exported function runs
 * one transaction, which holds a lock of each website.
 *
 * The visits of an open day are stored and summed up to a time, and later rows continue them (`advance`). Only the sums of a day
 * that has ended have conversions: a lead may be of a visit that began long before it.
 *
 * A row that was received before the horizon and is added later is marked, as are changed rows and goals; see `RollupState`.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Context, Duration, Effect, Option, Schema } from "effect"
import { type SqlClient, SqlError } from "effect/sql"
import { HostedWebsiteId, WebsiteConfigId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import type { Day } from "../LocalTime.ts"
import type { LocalDate } from "../Query.ts"
import * as DaySumSql from "./DaySumSql.ts"
import { Parameters } from "./Parameters.ts"
import type { Interval } from "./RollupPlan.ts"
import * as RollupRows from "./RollupRows.ts"
import * as RollupState from "./RollupState.ts"
import * as VisitSql from "./VisitSql.ts"

/** A website whose rollups are computed. */
const Site = Schema.Struct({
  websiteConfigId: WebsiteConfigId,
  hostedWebsiteId: HostedWebsiteId,
  timeZone: Schema.String
})

export type Site = typeof Site.Type

/** Decodes the rows of a statement that selects `siteColumns` of `site`. */
export const decodeSites = decodeRows(Schema.Array(Site))

export const siteColumns = `website_config_id AS "websiteConfigId", hosted_website_id AS "hostedWebsiteId", site.time_zone AS "timeZone"`

/** Websites with the same time zone whose rollups are computed together. */
export interface Sites {
  readonly timeZone: string
  /** At least one. */
  readonly hostedWebsiteIds: ReadonlyArray<string>
}

/** One website. */
export const only = ({ hostedWebsiteId, timeZone }: Site): Sites => ({ timeZone, hostedWebsiteIds: [hostedWebsiteId] })

/** The ids of websites as a parameter. */
export const idsOf = ({ hostedWebsiteIds }: Pick<Sites, "hostedWebsiteIds">): PgTypes.Parameter =>
  Database.uuids(hostedWebsiteIds)

/** The arbitrary first key of the locks that a process holds while it rolls up a website. */
const advisoryLock = 721_593_044

/** SQL of the keys of a website's lock. `site` is SQL of its hosted website's id, as a text. */
export const lockKeys = (site: string): string => `${advisoryLock}, hashtext(${site})`

const Ids = Schema.Array(Schema.Struct({ id: Schema.String }))
const listOf = (rows: typeof Ids.Type): ReadonlyArray<string> => rows.map(({ id }) => id)

/** Some websites are being deleted, or have another time zone than when they were read. */
export class SiteChanged extends Schema.TaggedError<SiteChanged>()("SiteChanged", {
  hostedWebsiteIds: Schema.Array(Schema.String)
}) {}

/** Another process rolls up a website at this moment. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {}

/** The timeout of a statement of a rollup run, in milliseconds; 0 for none. A statement sums at most a day, or 100,000 rows. */
export const MaxStatement = Context.Reference<number>("hydracore/analytics/reports/postgres/DayRollUp/MaxStatement", {
  defaultValue: () => 300_000
})

/** Whether a row that the statement writes was changed since the transaction's snapshot. */
const isOutdated = (error: unknown): boolean =>
  SqlError.isSqlError(error) && Option.contains(Database.sqlState(error), "40001")

/**
 * Runs a transaction on the rollups of those websites that no other process rolls up, or only of all of them, with one snapshot. `rollup_day` is locked
 * before the snapshot is taken, so that `SiteErasure` waits for transactions that do not see the website's deletion. Only hash joins
 * are allowed, because the planner has no statistics of the rows and expressions of the transaction itself: nested loops can take
 * hours, and merge joins sort.
 *
 * After this transaction took its snapshot, and before it gets the advisory locks, another process may commit. Therefore every
 * transaction writes the websites' rows in `rollup_site`, which fails if the snapshot does not include the previous transaction.
 */
const onFree = <A, E, R>(
  sql: SqlClient.SqlClient,
  { hostedWebsiteIds, timeZone }: Sites,
  onlyAll: boolean,
  work: (free: Sites) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError.SqlError | SiteChanged | Busy, R> =>
  Effect.gen(function* () {
    yield* sql.unsafe("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    yield* sql.unsafe("LOCK TABLE rollup_day IN ROW EXCLUSIVE MODE")
    yield* sql.unsafe(
      `SELECT set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true),
        set_config('work_mem', '64MB', true), set_config('enable_nestloop', 'off', true),
        set_config('enable_mergejoin', 'off', true), set_config('statement_timeout', $1, true)`,
      [PgTypes.text(String(yield* MaxStatement))]
    )
    const locked = listOf(
      yield* sql
        .unsafe(
          `SELECT id FROM unnest($1::uuid[]) AS given (id) WHERE pg_try_advisory_xact_lock(${lockKeys("id::text")})`,
          [idsOf({ hostedWebsiteIds })]
        )
        .pipe(decodeRows(Ids))
    )
    if (locked.length === 0 || (onlyAll && locked.length < hostedWebsiteIds.length)) return yield* new Busy()
    const free = listOf(
      yield* sql`INSERT INTO rollup_site AS held (hosted_website_id, time_zone, version)
        SELECT hosted_website_id, time_zone, 0 FROM site
        WHERE hosted_website_id = ANY (${idsOf({ hostedWebsiteIds: locked })}) AND time_zone = ${timeZone}
          AND deleted_at IS NULL
        ON CONFLICT (hosted_website_id) DO UPDATE SET version = held.version
        RETURNING hosted_website_id AS id`.pipe(decodeRows(Ids))
    )
    if (free.length === 0 || (onlyAll && free.length < locked.length)) {
      return yield* new SiteChanged({ hostedWebsiteIds: locked.filter((id) => !free.includes(id)) })
    }
    return yield* work({ timeZone, hostedWebsiteIds: free })
  }).pipe(
    Effect.catchIf(isOutdated, () => Effect.fail(new Busy())),
    sql.withTransaction,
    // `MaxStatement` bounds its statements. Without a timeout, the client does not try it again.
    Database.withTimeout(Duration.infinity)
  )

/** Runs such a transaction on the rollups of all websites. */
export const exclusively =
  (sql: SqlClient.SqlClient, sites: Sites) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError | SiteChanged | Busy, R> =>
    onFree(sql, sites, true, () => work)

/** Whether a rollup of a table is marked. */
const isMarked = (table: string, condition: string): string => `EXISTS (
  SELECT FROM rollup_stale WHERE rollup_stale.hosted_website_id = ${table}.hosted_website_id AND ${condition}
    AND ${RollupState.overlaps(table)})`

const First = Schema.Array(Schema.Struct({ id: Schema.String, first: Schema.NullOr(Schema.Finite) }))

/**
 * Of those websites that no other process rolls up, or only of all websites, deletes the rollups of days and months that changed since they were rolled up,
 * or all rollups if the website's time zone or `RollupState.version` changed. Returns these websites, with the time of their first
 * page view or event, in milliseconds since 1970; null without one.
 */
export const deleteOutdated = (sql: SqlClient.SqlClient, sites: Sites, onlyAll = false) =>
  onFree(
    sql,
    sites,
    onlyAll,
    Effect.fnUntraced(function* (free: Sites): Effect.fn.Return<ReadonlyMap<string, number | null>, SqlError.SqlError> {
      const ids = idsOf(free)
      const invalid = listOf(
        yield* sql`UPDATE rollup_site SET time_zone = ${free.timeZone}, version = ${PgTypes.int4(RollupState.version)}
          WHERE hosted_website_id = ANY (${ids}) AND (time_zone <> ${free.timeZone} OR version <> ${PgTypes.int4(RollupState.version)})
          RETURNING hosted_website_id AS id`.pipe(decodeRows(Ids))
      )
      if (invalid.length > 0) {
        const others = idsOf({ hostedWebsiteIds: invalid })
        yield* sql`DELETE FROM rollup_month WHERE hosted_website_id = ANY (${others})`
        yield* sql`DELETE FROM rollup_day WHERE hosted_website_id = ANY (${others})`
      }
      const are = "hosted_website_id = ANY ($1)"
      const recount = (table: string) =>
        `UPDATE ${table} SET goals = '${RollupState.conversions.outdated}' WHERE ${are} AND ${RollupState.isCounted}
          AND ${isMarked(table, "true")}`
      const changes = [
        `DELETE FROM rollup_month WHERE ${are} AND ${isMarked("rollup_month", "changes_visits")}`,
        `DELETE FROM rollup_day WHERE ${are} AND (is_partly_summed OR ${isMarked("rollup_day", "changes_visits")})`,
        recount("rollup_month"),
        recount("rollup_day"),
        `DELETE FROM rollup_stale WHERE ${are}`,
        // The rollup run's last step sets these again. If the rollup run fails before that, the next round finds the website due.
        `UPDATE rollup_site SET rolled_before = NULL WHERE ${are}`
      ]
      for (const change of changes) yield* sql.unsafe(change, [ids])
      const rows = yield* sql
        .unsafe(`SELECT id, ${RollupState.firstReceived("id")} AS first FROM unnest($1::uuid[]) AS given (id)`, [ids])
        .pipe(decodeRows(First))
      return new Map(rows.map(({ first, id }) => [id, first]))
    })
  )

/** Deletes the rollups and visits of days before `day`, which have no page views and events any more. */
export const deleteBefore = (sql: SqlClient.SqlClient, sites: Sites, day: Day) => {
  const ids = idsOf(sites)
  const date = PgTypes.date(day.date)
  return exclusively(
    sql,
    sites
  )(
    Effect.gen(function* () {
      yield* sql`DELETE FROM rollup_month WHERE hosted_website_id = ANY (${ids}) AND month < ${date}`
      yield* sql`DELETE FROM rollup_day WHERE hosted_website_id = ANY (${ids}) AND day < ${date}`
      yield* sql`DELETE FROM rollup WHERE hosted_website_id = ANY (${ids}) AND day < ${date}`
      yield* sql`DELETE FROM visit WHERE hosted_website_id = ANY (${ids}) AND started_at < ${PgTypes.timestamptz(day.start)}`
    })
  )
}

/** Deletes the rollups of websites' open days, from `day` on. */
export const deleteOpen = (sql: SqlClient.SqlClient, sites: Sites, day: LocalDate) =>
  exclusively(
    sql,
    sites
  )(sql`DELETE FROM rollup_day WHERE hosted_website_id = ANY (${idsOf(sites)}) AND day >= ${PgTypes.date(day)}`)

const rangeOf = (days: ReadonlyArray<Day>) => ({ first: days[0]?.date ?? "", last: days.at(-1)?.date ?? "" })

/** Replaces the sums of successive days. */
const storeSums = (sql: SqlClient.SqlClient, input: DaySumSql.Input) => {
  const parameters = new Parameters()
  const groups = DaySumSql.statement(parameters, input)
  return sql.unsafe(
    RollupRows.replaceDays(parameters, input.hostedWebsiteIds, rangeOf(input.days), groups),
    parameters.values
  )
}

/** Stores the visits of a part of a day, and adds to the day's sums what they change. */
const addToDay = (sql: SqlClient.SqlClient, { hostedWebsiteId, timeZone }: Site, day: Day, part: Interval) => {
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const visits = VisitSql.storing(parameters, VisitSql.one(site), site, part, [day])
  const groups = DaySumSql.addition(parameters, site, timeZone, day, part)
  return sql.unsafe(
    RollupRows.replaceDays(parameters, [hostedWebsiteId], rangeOf([day]), groups, visits),
    parameters.values
  )
}

/** Deletes the sums of successive days. */
const deleteSums = (sql: SqlClient.SqlClient, { hostedWebsiteIds }: Sites, days: ReadonlyArray<Day>) => {
  const parameters = new Parameters()
  return sql.unsafe(RollupRows.replaceDays(parameters, hostedWebsiteIds, rangeOf(days), null), parameters.values)
}

const datesOf = (days: ReadonlyArray<Day>) => Database.dates(days.map(({ date }) => date))

const timesOf = (times: ReadonlyArray<number>) => Database.timestamps(times)

/** Says that the visits of days are stored up to their ends, and whether the sums have conversions. */
const markStored = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  sites: Sites,
  days: ReadonlyArray<Day>,
  conversions: "none" | "counted"
): Effect.fn.Return<void, SqlError.SqlError> {
  const goals = RollupState.conversions[conversions]
  const [ids, dates] = [idsOf(sites), datesOf(days)]
  yield* sql`DELETE FROM rollup_day WHERE hosted_website_id = ANY (${ids}) AND day = ANY (${dates})`
  yield* sql`INSERT INTO rollup_day (hosted_website_id, day, starts_at, ends_at, goals)
    SELECT id, day, starts_at, ends_at, ${goals} FROM unnest(${ids}) AS given (id),
      unnest(${dates}, ${timesOf(days.map(({ start }) => start))}, ${timesOf(days.map(({ end }) => end))})
        AS rolled (day, starts_at, ends_at)`
})

/** Stores the visits of an interval of successive days, in place of those that its rows continue. */
const storeVisits = (
  sql: SqlClient.SqlClient,
  { hostedWebsiteIds }: Sites,
  interval: Interval,
  days: ReadonlyArray<Day>
) => {
  const parameters = new Parameters()
  const ids = parameters.uuids(hostedWebsiteIds)
  const visits = VisitSql.storing(parameters, VisitSql.some(ids), VisitSql.idOfDay(ids, days), interval, days)
  return sql.unsafe(`WITH ${visits.join(", ")} SELECT 1`, parameters.values)
}

/** Deletes the visits that begin in an interval. */
const deleteVisits = (sql: SqlClient.SqlClient, sites: Sites, { end, start }: Interval) =>
  sql`DELETE FROM visit WHERE hosted_website_id = ANY (${idsOf(sites)})
    AND started_at >= ${PgTypes.timestamptz(start)} AND started_at < ${PgTypes.timestamptz(end)}`

/** Deletes the sums of the months that overlap an interval. */
const deleteMonths = (sql: SqlClient.SqlClient, sites: Sites, { end, start }: Interval) =>
  sql`DELETE FROM rollup_month WHERE hosted_website_id = ANY (${idsOf(sites)})
    AND starts_at < ${PgTypes.timestamptz(end)} AND ends_at > ${PgTypes.timestamptz(start)}`

const Stored = Schema.Array(Schema.Struct({ id: Schema.String, isSummed: Schema.Boolean }))

/** The websites of which the visits of all days are stored, and whether the days are summed. */
const storedOf = (sql: SqlClient.SqlClient, sites: Sites, days: ReadonlyArray<Day>) =>
  sql
    .unsafe(
      `SELECT hosted_website_id AS id, bool_and(${RollupState.isCounted}) AS "isSummed"
      FROM rollup_day JOIN unnest($2::date[], $3::timestamptz[]) AS given (date, ends) ON day = date AND ends_at = ends
      WHERE hosted_website_id = ANY ($1) GROUP BY 1 HAVING count(*) = ${days.length}`,
      [idsOf(sites), datesOf(days), timesOf(days.map(({ end }) => end))]
    )
    .pipe(
      decodeRows(Stored),
      Effect.map((rows) => new Map(rows.map(({ id, isSummed }) => [id, isSummed])))
    )

const WithGoals = Schema.Array(Schema.Struct({ ids: Schema.Array(Schema.String), goals: RollupState.Goals }))

/** Groups websites by their goals, as the transaction sees them: if they change later, there will be a mark. */
const byGoals = (sql: SqlClient.SqlClient, sites: Sites) =>
  sql
    .unsafe(
      `SELECT array_agg(hosted_website_id::text) AS ids, goals::json AS goals FROM (
        SELECT hosted_website_id, (${RollupState.goalsJson("site.website_config_id")})::text AS goals FROM site
        WHERE hosted_website_id = ANY ($1)
      ) AS of_site GROUP BY goals`,
      [idsOf(sites)]
    )
    .pipe(decodeRows(WithGoals))

/**
 * Replaces the sums of successive days that have ended, and their visits unless those of all days are stored. Without
 * `isRebuild`, leaves out websites all of whose days are summed.
 */
export const rollDays = (sql: SqlClient.SqlClient, sites: Sites, days: ReadonlyArray<Day>, isRebuild: boolean) => {
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return Effect.void
  const whole = { start: first.start, end: last.end }
  return exclusively(
    sql,
    sites
  )(
    Effect.gen(function* () {
      // Another process may have stored the days in the meantime.
      const stored = isRebuild ? new Map<string, boolean>() : yield* storedOf(sql, sites, days)
      const where = (is: (id: string) => boolean): Sites => ({
        ...sites,
        hostedWebsiteIds: sites.hostedWebsiteIds.filter(is)
      })
      const outdated = where((id) => stored.get(id) !== true)
      const withoutVisits = where((id) => !stored.has(id))
      if (outdated.hostedWebsiteIds.length === 0) return
      yield* deleteMonths(sql, outdated, whole)
      if (withoutVisits.hostedWebsiteIds.length > 0) {
        yield* deleteVisits(sql, withoutVisits, whole)
        yield* storeVisits(sql, withoutVisits, whole, days)
      }
      for (const { goals, ids } of yield* byGoals(sql, outdated)) {
        yield* storeSums(sql, { ...outdated, hostedWebsiteIds: ids, days, goals })
      }
      yield* markStored(sql, outdated, days, "counted")
    })
  )
}

const Time = Schema.Array(Schema.Struct({ millis: Schema.Finite }))

/** The time of the row after `maxRows` rows of an interval; null if it has no more. */
const timeAfter = (sql: SqlClient.SqlClient, site: Site, interval: Interval, maxRows: number) => {
  const parameters = new Parameters()
  const id = parameters.uuid(site.hostedWebsiteId)
  const times = ["page_view", "event"].map((table) =>
    VisitSql.inIntervals(parameters, VisitSql.one(id), [interval], {
      table,
      columns: "received_at",
      time: "received_at"
    })
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
export const advance = (sql: SqlClient.SqlClient, site: Site, day: Day, horizon: number, maxRows: number) => {
  const sites = only(site)
  return exclusively(
    sql,
    sites
  )(
    Effect.gen(function* () {
      const state = yield* RollupState.read(sql, site, site.timeZone, { ...rangeOf([day]), months: [] })
      const known = state.days.get(day.date)
      const start = known?.end ?? day.start
      const until = Math.min(horizon, day.end)
      if (until <= start || state.changed.has(day.date)) return true
      const after = yield* timeAfter(sql, site, { start, end: until }, maxRows)
      // Rows of one millisecond are stored together.
      const end = after === null ? until : Math.min(until, Math.max(after, start + 1))
      if (known === undefined) {
        yield* deleteSums(sql, sites, [day])
        yield* deleteVisits(sql, sites, day)
      }
      if (end < day.end) yield* addToDay(sql, site, day, { start, end })
      else {
        yield* storeVisits(sql, sites, { start, end }, [day])
        yield* storeSums(sql, { ...sites, days: [day], goals: state.goals })
      }
      yield* markStored(sql, sites, [{ ...day, end }], end === day.end ? "counted" : "none")
      return end === until
    })
  )
}

/**
 * Replaces the sums of months. `days` are all days of these months that may be rolled up. A month has no sum if its first day is
 * not summed.
 */
export const rollMonths = (
  sql: SqlClient.SqlClient,
  sites: Sites,
  months: ReadonlyArray<LocalDate>,
  days: ReadonlyArray<Day>
) => {
  const parameters = [idsOf(sites), Database.dates(months)]
  return exclusively(
    sql,
    sites
  )(
    Effect.gen(function* () {
      yield* sql.unsafe("DELETE FROM rollup_month WHERE hosted_website_id = ANY ($1) AND month = ANY ($2)", parameters)
      yield* sql.unsafe(
        "DELETE FROM rollup WHERE hosted_website_id = ANY ($1) AND is_month AND day = ANY ($2)",
        parameters
      )
      yield* sql.unsafe(RollupRows.sumMonths, [
        ...parameters,
        Database.dates(days.map(({ date }) => date)),
        Database.timestamps(days.map(({ end }) => end))
      ])
    })
  )
}
