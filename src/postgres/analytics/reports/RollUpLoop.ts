/**
 * Keeps the rollups of all websites up to date in the background (see `DayRollUp` for closed days and `OpenDays` for open ones).
 * Every process tries; an advisory lock, for which no transaction waits, lets one process succeed at a time.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { type Cause, Clock, Duration, Effect, Layer, Result, Schedule, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as LocalTime from "../../../core/analytics/report/LocalTime.ts"
import type { LocalDate } from "../../../core/analytics/report/Query.ts"
import * as RollupPlan from "../../../core/analytics/report/RollupPlan.ts"
import { maxGap } from "../../../core/analytics/report/Visits.ts"
import { dateOf, hourMillis } from "../../../core/text/Calendar.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import * as Database from "../../Database.ts"
import * as FailedItems from "../../rounds/FailedItems.ts"
import * as Writers from "../../Writers.ts"
import * as DayRollUp from "./DayRollUp.ts"
import * as MonthRollUp from "./MonthRollUp.ts"
import * as OpenDays from "./OpenDays.ts"
import * as PlannerStatistics from "./PlannerStatistics.ts"
import * as RollupState from "./RollupState.ts"

/** A row that is added more than this many milliseconds after it was received is marked; see the migration `0007_rollups`. */
const maxUnmarkedDelay = 5 * 60_000

/** Days are rolled up together up to this number of rows, to keep transactions short. */
const maxRows = 100_000

/** Maximum number of days in one transaction. */
const maxDays = 366

/** The delay before the next try if a past day of a website still has an open visit. */
const retryDelay = Duration.minutes(10)

/** Maximum wait for transactions that are writing. */
const writersTimeout = Duration.seconds(30)

const Now = Schema.Tuple([Schema.Struct({ now: Schema.Finite })])

/** A time, in milliseconds since 1970. A row that was received before it, but is added from now on, will be marked. */
const horizon = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [{ now }] = yield* sql`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`.pipe(
    decodeRows(Now)
  )
  yield* Effect.timeout(Writers.awaitEnd(["page_view", "event", "conversion"]), writersTimeout)
  return Math.floor(now) - maxUnmarkedDelay
})

const Sites = Schema.Array(
  Schema.Struct({
    websiteConfigId: Schema.String,
    hostedWebsiteId: Schema.String,
    timeZone: Schema.String,
    rolledBefore: Schema.NullOr(Schema.String),
    isValid: Schema.Boolean,
    isStale: Schema.Boolean,
    isDelayed: Schema.Boolean,
    goals: Schema.Array(
      Schema.Struct({ name: Schema.String, kind: Schema.Literals(["event", "page"]), value: Schema.String })
    ),
    rolledGoals: Schema.NullOr(Schema.String)
  })
)

/** All websites, with the state of their rollups. */
const sites = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* sql
    .unsafe(
      `SELECT website_config_id AS "websiteConfigId", hosted_website_id AS "hostedWebsiteId", site.time_zone AS "timeZone",
        rolled_before AS "rolledBefore", coalesce(state.time_zone = site.time_zone AND version = $1, false) AS "isValid",
        EXISTS (SELECT FROM rollup_stale AS stale WHERE stale.hosted_website_id = site.hosted_website_id) AS "isStale",
        coalesce(retry_at > now(), false) AS "isDelayed", (${RollupState.goalsJson("site.website_config_id")}) AS goals,
        goals AS "rolledGoals"
      FROM site LEFT JOIN rollup_site AS state USING (hosted_website_id) WHERE deleted_at IS NULL ORDER BY created_at`,
      [PgTypes.int4(RollupState.version)]
    )
    .pipe(decodeRows(Sites))
})

type SiteState = (typeof Sites.Type)[number]

/** The last day that ended more than 30 minutes before the horizon `before`. Visits across midnight may still be open. */
const lastClosed = (timeZone: string, before: number): LocalDate =>
  LocalTime.addDays(dateOf(LocalTime.zone(timeZone).toLocal(before - maxGap - 1)), -1)

/** The days that may have open visits at the horizon `before`: from `lastClosed` to the day of the horizon. */
const openDays = (timeZone: string, before: number): ReadonlyArray<LocalTime.Day> =>
  LocalTime.days(timeZone, lastClosed(timeZone, before), dateOf(LocalTime.zone(timeZone).toLocal(before)))

const Counts = Schema.Array(Schema.Struct({ place: Schema.Int, rows: Schema.BigInt }))

/** The number of page views and events of each day. */
const countRows = Effect.fnUntraced(function* (site: DayRollUp.Site, days: ReadonlyArray<LocalTime.Day>) {
  const sql = yield* SqlClient.SqlClient
  const starts = Database.array(
    days.map(({ start }) => start),
    PgTypes.OID.timestamptz
  )
  const counts = ["page_view", "event"].map(
    (table) => `SELECT width_bucket(received_at, $1) AS place, count(*) AS rows FROM ${table}
      WHERE hosted_website_id = $2 AND received_at >= $3 AND received_at < $4 GROUP BY 1`
  )
  const rows = yield* sql
    .unsafe(`SELECT place, sum(rows)::bigint AS rows FROM (${counts.join(" UNION ALL ")}) AS counted GROUP BY place`, [
      starts,
      PgTypes.uuid(site.hostedWebsiteId),
      PgTypes.timestamptz(days[0]?.start ?? 0),
      PgTypes.timestamptz(days.at(-1)?.end ?? 0)
    ])
    .pipe(decodeRows(Counts))
  return new Map(rows.map(({ place, rows }) => [days[place - 1]?.date, Number(rows)]))
})

/** Groups successive days into transactions. */
const chunks = (days: ReadonlyArray<LocalTime.Day>, rows: ReadonlyMap<string | undefined, number>) => {
  const groups: Array<Array<LocalTime.Day>> = []
  let size = 0
  for (const day of days) {
    const last = groups.at(-1)
    const more = rows.get(day.date) ?? 0
    if (last === undefined || last.at(-1)?.end !== day.start || size + more > maxRows || last.length >= maxDays) {
      groups.push([day])
      size = more
    } else {
      last.push(day)
      size += more
    }
  }
  return groups
}

/** Retries a transaction while another process rolls up. */
const whenFree = <A, E extends { readonly _tag: string }, R>(transaction: Effect.Effect<A, E, R>) =>
  Effect.retry(transaction, { while: ({ _tag }) => _tag === "Busy", schedule: Schedule.spaced("100 millis") })

/**
 * Brings the rollups of a website up to date. With `isRebuild`, recomputes all of them, and waits while another process rolls
 * up. Each day is replaced atomically.
 */
const update = Effect.fnUntraced(function* (
  site: SiteState,
  before: number,
  isRebuild: boolean
): Effect.fn.Return<void, SqlError.SqlError | DayRollUp.Busy | DayRollUp.SiteChanged, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const { goals, hostedWebsiteId, timeZone } = site
  const run = <A, R>(transaction: Effect.Effect<A, SqlError.SqlError | DayRollUp.Busy | DayRollUp.SiteChanged, R>) =>
    isRebuild ? whenFree(transaction) : transaction
  const valid = yield* run(DayRollUp.deleteOutdated(sql, site))
  const last = lastClosed(timeZone, before)
  const first =
    valid.first === null ? LocalTime.addDays(last, 1) : dateOf(LocalTime.zone(timeZone).toLocal(valid.first))
  // From the beginning of the month, so that the first month is complete.
  const days = LocalTime.days(timeZone, LocalTime.monthOf(first), last)
  const [begin] = LocalTime.days(timeZone, LocalTime.monthOf(first), LocalTime.monthOf(first))
  if (begin !== undefined) yield* run(DayRollUp.deleteBefore(sql, site, begin))

  const fingerprint = RollupState.fingerprint(goals)
  const missing = days.filter(({ date, end }) => {
    const stored = valid.days.get(date)
    return isRebuild || stored?.end !== end || stored.goals !== fingerprint
  })
  let isComplete = true
  if (missing.length > 0) {
    for (const chunk of chunks(missing, yield* countRows(site, missing))) {
      if (!(yield* run(DayRollUp.rollDays(sql, site, chunk, before, isRebuild)))) isComplete = false
    }
  }
  const changedMonths = new Set(missing.map(({ date }) => LocalTime.monthOf(date)))
  const months = RollupPlan.monthsBegunIn(days).filter((month) => changedMonths.has(month) || !valid.months.has(month))
  if (months.length > 0) yield* run(MonthRollUp.rollMonths(sql, site, months, days))
  if (isRebuild) yield* run(DayRollUp.deleteOpen(sql, site, LocalTime.addDays(last, 1)))
  for (const day of openDays(timeZone, before)) yield* run(OpenDays.advance(sql, site, day, before))
  yield* sql`UPDATE rollup_site SET rolled_before = ${PgTypes.date(isComplete ? LocalTime.addDays(last, 1) : null)},
      goals = ${fingerprint},
      retry_at = ${isComplete ? null : sql`now() + ${Duration.toSeconds(retryDelay)} * interval '1 second'`}
    WHERE hosted_website_id = ${PgTypes.uuid(hostedWebsiteId)} AND time_zone = ${timeZone}`
})

const needsUpdate = (site: SiteState, before: number): boolean => {
  const { goals, isDelayed, isStale, isValid, rolledBefore, rolledGoals, timeZone } = site
  if (!isValid || isStale || rolledGoals !== RollupState.fingerprint(goals)) return true
  return !isDelayed && (rolledBefore === null || rolledBefore <= lastClosed(timeZone, before))
}

/** The websites whose rollups are not up to date, also if that cannot be computed: the attempt then fails with the reason. */
const outdated = (all: ReadonlyArray<SiteState>, before: number): ReadonlyArray<SiteState> =>
  all.filter((site) =>
    Result.getOrElse(
      Result.try(() => needsUpdate(site, before)),
      () => true
    )
  )

const isBusy = (error: unknown): boolean => error instanceof DayRollUp.Busy

/** Runs `work` for each website. A website that fails is tried again later, and the others go on. */
const forEachSite = <A extends DayRollUp.Site, E, R>(
  sites: ReadonlyArray<A>,
  work: (site: A, before: number) => Effect.Effect<void, E | DayRollUp.SiteChanged, R>
) =>
  Effect.gen(function* () {
    const ready = yield* FailedItems.ready("rollup", sites, ({ hostedWebsiteId }) => hostedWebsiteId)
    if (ready.length === 0) return
    const before = yield* horizon
    yield* FailedItems.each(
      "rollup",
      ready,
      (site) => Effect.catchTag(work(site, before), "SiteChanged", () => Effect.void),
      isBusy
    )
    yield* PlannerStatistics.refresh
  })

type RoundError = SqlError.SqlError | Cause.TimeoutError

/** Brings the rollups of all websites up to date once. Ends early if another process does so. */
export const round: Effect.Effect<void, RoundError, SqlClient.SqlClient> = Effect.gen(function* () {
  const now = yield* Clock.currentTimeMillis
  yield* forEachSite(outdated(yield* sites, now - maxUnmarkedDelay), (site, before) => update(site, before, false))
}).pipe(Effect.catchTag("Busy", () => Effect.void))

/** Stores the visits of the open days of websites with many page views. Ends early if another process rolls up. */
export const advance: Effect.Effect<void, RoundError, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* forEachSite(yield* OpenDays.sitesBehind(sql), (site, before) =>
    Effect.forEach(openDays(site.timeZone, before), (day) => OpenDays.advance(sql, site, day, before), {
      discard: true
    })
  )
}).pipe(Effect.catchTag("Busy", () => Effect.void))

/** A day should be rolled up within this many milliseconds after it ends. */
const maxLag = 6 * hourMillis

const Zones = Schema.Array(Schema.Struct({ time_zone: Schema.String }))

const Lagging = Schema.Tuple([Schema.Struct({ count: Schema.Int })])

/**
 * Counts the websites with a day that ended over six hours ago and is not rolled up, in one statement for all of them. Days
 * before a website's first row do not matter.
 */
export const countLagging: Effect.Effect<number, SqlError.SqlError, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const before = (yield* Clock.currentTimeMillis) - maxLag
  const zones = yield* sql`SELECT DISTINCT time_zone FROM site WHERE deleted_at IS NULL`.pipe(decodeRows(Zones))
  // By this program's time zones, as the rollups: PostgreSQL's may differ.
  const closed = zones.flatMap(({ time_zone: timeZone }) =>
    // The rollups of websites in a zone that this program does not know are among the failed items.
    Result.getOrElse(
      Result.try(() => {
        const date = lastClosed(timeZone, before)
        return LocalTime.days(timeZone, date, date).map(({ end }) => ({ timeZone, date, end }))
      }),
      () => []
    )
  )
  const exists = ["page_view", "event"].map(
    (table) => `EXISTS (SELECT FROM ${table} AS fact
      WHERE fact.hosted_website_id = site.hosted_website_id AND fact.received_at < closed.ends_at)`
  )
  const [{ count }] = yield* sql
    .unsafe(
      `SELECT count(*)::int AS count
      FROM site JOIN unnest($1::text[], $2::date[], $3::timestamptz[]) AS closed (time_zone, day, ends_at)
        ON closed.time_zone = site.time_zone
      LEFT JOIN rollup_site AS state ON state.hosted_website_id = site.hosted_website_id
      WHERE site.deleted_at IS NULL
        AND NOT coalesce(state.time_zone = site.time_zone AND version = $4 AND rolled_before > closed.day, false)
        AND (${exists.join(" OR ")})`,
      [
        Database.array(
          closed.map(({ timeZone }) => timeZone),
          PgTypes.OID.text
        ),
        Database.array(
          closed.map(({ date }) => date),
          PgTypes.OID.date
        ),
        Database.array(
          closed.map(({ end }) => end),
          PgTypes.OID.timestamptz
        ),
        PgTypes.int4(RollupState.version)
      ]
    )
    .pipe(decodeRows(Lagging))
  return count
})

/** Recomputes the rollups of one website, or of all. Waits while another process rolls up. */
export const rebuild = Effect.fnUntraced(function* (
  hostedWebsiteId?: string
): Effect.fn.Return<void, SqlError.SqlError | Cause.TimeoutError, SqlClient.SqlClient> {
  const before = yield* horizon
  const all = yield* sites
  for (const site of all.filter((one) => hostedWebsiteId === undefined || one.hostedWebsiteId === hostedWebsiteId)) {
    yield* update(site, before, true).pipe(
      Effect.provideService(DayRollUp.MaxStatement, 0),
      Effect.catchTag("SiteChanged", () => Effect.void),
      // Unreachable: with `isRebuild`, transactions wait.
      Effect.catchTag("Busy", Effect.die)
    )
    yield* FailedItems.clear("rollup", site.hostedWebsiteId)
  }
  yield* PlannerStatistics.refresh
})

/** How often each process looks for closed days and changed rows, and for open days with many page views. */
const intervals = { round: Duration.seconds(5), advance: Duration.minutes(1) }

/** The pause after a failure, because a failed attempt may have cost the database much time. */
const pauseAfterFailure = Duration.minutes(1)

/** Rolls up on a connection of its own until the scope closes. */
export const layer: Layer.Layer<never, SqlError.SqlError, PgClient.PgClient> = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* Database.dedicated()
    const repeat = (work: typeof round, interval: Duration.Duration) =>
      work.pipe(
        Effect.provideService(SqlClient.SqlClient, sql),
        Effect.as(interval),
        Effect.catchCause((cause) =>
          Effect.as(Effect.logWarning("Could not roll up page views; retrying", cause), pauseAfterFailure)
        ),
        Effect.flatMap(Effect.sleep),
        Effect.forever,
        Effect.forkScoped
      )
    yield* repeat(round, intervals.round)
    yield* repeat(advance, intervals.advance)
  })
)
