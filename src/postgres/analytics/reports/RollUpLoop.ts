/**
 * Keeps the rollups of all websites up to date in the background; see `DayRollUp`. Each website has a lock, for which no
 * transaction waits, in case that several processes roll up.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { type Cause, Clock, Duration, Effect, Layer, Result, Schedule, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as LocalTime from "../../../core/analytics/report/LocalTime.ts"
import type { LocalDate } from "../../../core/analytics/report/Query.ts"
import * as RollupPlan from "../../../core/analytics/report/RollupPlan.ts"
import { dateOf, hourMillis } from "../../../core/text/Calendar.ts"
import * as Rounds from "../../../runtime/Rounds.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import * as Database from "../../Database.ts"
import * as FailedItems from "../../rounds/FailedItems.ts"
import * as Writers from "../../Writers.ts"
import * as DayRollUp from "./DayRollUp.ts"
import * as MonthRollUp from "./MonthRollUp.ts"
import * as PlannerStatistics from "./PlannerStatistics.ts"
import * as RollupState from "./RollupState.ts"

/** A row that is added more than this many milliseconds after it was received is marked; see the migration `0037_open_visits`. */
const maxUnmarkedDelay = 2 * 60_000

/** Days are rolled up together up to this number of rows, to keep transactions short. */
const maxRows = 100_000

/** Maximum number of days in one transaction. */
const maxDays = 366

/** A website that takes longer goes on in the next round, after the others. In milliseconds. */
const maxTurn = 10_000

/** If more page views than this follow the stored visits, the next visits are stored. */
const maxTail = 1000

/** Websites that are rolled up at the same time, each on a connection of its own: the run of a small one mostly waits for answers. */
const maxConcurrent = 4

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
    goals: Schema.Array(
      Schema.Struct({ name: Schema.String, kind: Schema.Literals(["event", "page"]), value: Schema.String })
    ),
    rolledGoals: Schema.NullOr(Schema.String)
  })
)

/** The websites of which a condition is true, with the state of their rollups. */
const sitesWhere = (condition: string, parameters: ReadonlyArray<PgTypes.Parameter> = []) =>
  SqlClient.SqlClient.use((sql) =>
    sql
      .unsafe(
        `SELECT website_config_id AS "websiteConfigId", hosted_website_id AS "hostedWebsiteId", site.time_zone AS "timeZone",
        rolled_before AS "rolledBefore", coalesce(state.time_zone = site.time_zone AND version = $1, false) AS "isValid",
        EXISTS (SELECT FROM rollup_stale AS stale WHERE stale.hosted_website_id = site.hosted_website_id) AS "isStale",
        (${RollupState.goalsJson("site.website_config_id")}) AS goals,
        goals AS "rolledGoals"
      FROM site LEFT JOIN rollup_site AS state USING (hosted_website_id)
      WHERE deleted_at IS NULL AND (${condition}) ORDER BY created_at`,
        [PgTypes.int4(RollupState.version), ...parameters]
      )
      .pipe(decodeRows(Sites))
  )

type SiteState = (typeof Sites.Type)[number]

/** The last day that ended before the horizon `before`. */
const lastClosed = (timeZone: string, before: number): LocalDate =>
  LocalTime.addDays(dateOf(LocalTime.zone(timeZone).toLocal(before - 1)), -1)

/** The day of the horizon `before`. */
const openDays = (timeZone: string, before: number): ReadonlyArray<LocalTime.Day> => {
  const date = LocalTime.addDays(lastClosed(timeZone, before), 1)
  return LocalTime.days(timeZone, date, date)
}

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

/** Stores the visits of a day before the horizon in several transactions. Returns whether it did before the deadline. */
const advanceDay = Effect.fnUntraced(function* (
  site: DayRollUp.Site,
  day: LocalTime.Day,
  before: number,
  deadline: number
) {
  const sql = yield* SqlClient.SqlClient
  while ((yield* Clock.currentTimeMillis) < deadline) {
    if (yield* DayRollUp.advance(sql, site, day, before, maxRows)) return true
  }
  return false
})

/**
 * Brings the rollups of a website up to date, as far as it can until the deadline. With `isRebuild`, recomputes all of them, and
 * waits while another process rolls up. Then each day is replaced atomically.
 */
const update = Effect.fnUntraced(function* (
  site: SiteState,
  before: number,
  isRebuild: boolean,
  deadline: number
): Effect.fn.Return<void, SqlError.SqlError | DayRollUp.Busy | DayRollUp.SiteChanged, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const { goals, hostedWebsiteId, timeZone } = site
  const run = <A, R>(transaction: Effect.Effect<A, SqlError.SqlError | DayRollUp.Busy | DayRollUp.SiteChanged, R>) =>
    isRebuild ? whenFree(transaction) : transaction
  const valid = yield* run(DayRollUp.deleteOutdated(sql, site))
  const last = lastClosed(timeZone, before)
  const fingerprint = RollupState.fingerprint(goals)
  const finish = sql`UPDATE rollup_site SET rolled_before = ${PgTypes.date(LocalTime.addDays(last, 1))},
    goals = ${fingerprint} WHERE hosted_website_id = ${PgTypes.uuid(hostedWebsiteId)} AND time_zone = ${timeZone}`
  if (valid.first === null) {
    // Nothing to sum. If its rows were deleted, their visits go too, also those of the open day.
    const [next] = LocalTime.days(timeZone, LocalTime.addDays(last, 2), LocalTime.addDays(last, 2))
    if (next !== undefined) yield* run(DayRollUp.deleteBefore(sql, site, next))
    yield* finish
    return
  }
  const first = dateOf(LocalTime.zone(timeZone).toLocal(valid.first))
  // From the beginning of the month, so that the first month is complete.
  const days = LocalTime.days(timeZone, LocalTime.monthOf(first), last)
  const [begin] = LocalTime.days(timeZone, LocalTime.monthOf(first), LocalTime.monthOf(first))
  if (begin !== undefined) yield* run(DayRollUp.deleteBefore(sql, site, begin))

  const missing = days.filter(({ date, end }) => {
    const stored = valid.days.get(date)
    return isRebuild || stored?.end !== end || stored.goals !== fingerprint
  })
  if (missing.length > 0) {
    const rows = yield* countRows(site, missing)
    for (const chunk of chunks(missing, rows)) {
      if ((yield* Clock.currentTimeMillis) >= deadline) return
      const [day] = chunk
      const isLarge =
        day !== undefined && (rows.get(day.date) ?? 0) > maxRows && valid.days.get(day.date)?.end !== day.end
      if (isLarge && !isRebuild) {
        if (!(yield* advanceDay(site, day, before, deadline))) return
      } else yield* run(DayRollUp.rollDays(sql, site, chunk, isRebuild))
    }
  }
  const changedMonths = new Set(missing.map(({ date }) => LocalTime.monthOf(date)))
  const months = RollupPlan.monthsBegunIn(days).filter((month) => changedMonths.has(month) || !valid.months.has(month))
  if (months.length > 0) yield* run(MonthRollUp.rollMonths(sql, site, months, days))
  if (isRebuild) yield* run(DayRollUp.deleteOpen(sql, site, LocalTime.addDays(last, 1)))
  for (const day of openDays(timeZone, before)) {
    if (!(yield* run(advanceDay(site, day, before, deadline)))) return
  }
  yield* finish
})

const Zones = Schema.Array(Schema.Struct({ time_zone: Schema.String }))

/** The time zones of websites with the last day that ended before the horizon, by this program's zones: PostgreSQL's may differ. */
const closedDays = (before: number) =>
  SqlClient.SqlClient.use((sql) => sql`SELECT DISTINCT time_zone FROM site WHERE deleted_at IS NULL`).pipe(
    decodeRows(Zones),
    Effect.map((zones) =>
      zones.flatMap(({ time_zone: timeZone }) =>
        // A zone that this program does not know is left out.
        Result.getOrElse(
          Result.try(() => {
            const date = lastClosed(timeZone, before)
            return LocalTime.days(timeZone, date, date).map(({ end }) => ({ timeZone, date, end }))
          }),
          () => []
        )
      )
    ),
    Effect.map((closed) => ({
      zones: Database.array(
        closed.map(({ timeZone }) => timeZone),
        PgTypes.OID.text
      ),
      dates: Database.array(
        closed.map(({ date }) => date),
        PgTypes.OID.date
      ),
      ends: Database.array(
        closed.map(({ end }) => end),
        PgTypes.OID.timestamptz
      )
    }))
  )

/**
 * The websites that `needsUpdate` may find: the database leaves out those that have nothing to do, but cannot compare goals. A
 * website in an unknown zone is not left out, so that its attempt fails with the reason.
 */
export const candidates = (before: number) =>
  Effect.flatMap(closedDays(before), ({ dates, zones }) =>
    sitesWhere(
      `state.time_zone IS DISTINCT FROM site.time_zone OR version <> $1 OR rolled_before IS NULL
        OR coalesce(rolled_before <= (SELECT day FROM unnest($2::text[], $3::date[]) AS closed (zone, day)
          WHERE zone = site.time_zone), true)
        OR goals IS DISTINCT FROM $4 OR EXISTS (SELECT FROM goal WHERE goal.website_config_id = site.website_config_id)
        OR hosted_website_id IN (SELECT hosted_website_id FROM rollup_stale)`,
      [zones, dates, PgTypes.text(RollupState.fingerprint([]))]
    )
  )

const needsUpdate = (site: SiteState, before: number): boolean => {
  const { goals, isStale, isValid, rolledBefore, rolledGoals, timeZone } = site
  if (!isValid || isStale || rolledGoals !== RollupState.fingerprint(goals)) return true
  return rolledBefore === null || rolledBefore <= lastClosed(timeZone, before)
}

/** The websites whose rollups are not up to date, also if that cannot be computed: the attempt then fails with the reason. */
const outdated = (all: ReadonlyArray<SiteState>, before: number): ReadonlyArray<SiteState> =>
  all.filter((site) =>
    Result.getOrElse(
      Result.try(() => needsUpdate(site, before)),
      () => true
    )
  )

/**
 * Runs `work` for each website that no other process rolls up, until its deadline. A website that fails is tried again later, and
 * the others go on. Returns whether there was a website to work on.
 */
const forEachSite = <A extends DayRollUp.Site, E, R>(
  sites: ReadonlyArray<A>,
  work: (
    site: A,
    before: number,
    deadline: number
  ) => Effect.Effect<void, E | DayRollUp.SiteChanged | DayRollUp.Busy, R>
) =>
  Effect.gen(function* () {
    const ready = yield* FailedItems.ready("rollup", sites, ({ hostedWebsiteId }) => hostedWebsiteId)
    if (ready.length === 0) return false
    const before = yield* horizon
    yield* FailedItems.each(
      "rollup",
      ready,
      (site) =>
        Clock.currentTimeMillis.pipe(
          Effect.flatMap((now) => work(site, before, now + maxTurn)),
          Effect.catchTag(["SiteChanged", "Busy"], () => Effect.void)
        ),
      maxConcurrent
    )
    yield* PlannerStatistics.refresh
    return true
  })

type RoundError = SqlError.SqlError | Cause.TimeoutError

/** Brings the rollups of all websites up to date once, except those that another process rolls up. Returns whether there were any. */
export const round: Effect.Effect<boolean, RoundError, SqlClient.SqlClient> = Effect.gen(function* () {
  const now = yield* Clock.currentTimeMillis
  const before = now - maxUnmarkedDelay
  return yield* forEachSite(outdated(yield* candidates(before), before), (site, before, deadline) =>
    update(site, before, false, deadline)
  )
})

const Behind = Schema.Array(
  Schema.Struct({ websiteConfigId: Schema.String, hostedWebsiteId: Schema.String, timeZone: Schema.String })
)

/** The rolled up websites with many page views after the stored visits of their open day. */
const sitesBehind = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* sql
    .unsafe(
      `SELECT website_config_id AS "websiteConfigId", hosted_website_id AS "hostedWebsiteId", site.time_zone AS "timeZone"
      FROM site JOIN rollup_site AS held USING (hosted_website_id) CROSS JOIN LATERAL (
        SELECT greatest(max(ends_at), now() - interval '2 days') AS reached FROM rollup_day
        WHERE rollup_day.hosted_website_id = site.hosted_website_id
      ) AS stored
      WHERE deleted_at IS NULL AND held.time_zone = site.time_zone AND version = $1 AND EXISTS (
        SELECT FROM page_view WHERE page_view.hosted_website_id = site.hosted_website_id AND received_at >= reached
          AND received_at < now() - interval '${maxUnmarkedDelay} milliseconds' OFFSET ${maxTail}
      ) ORDER BY created_at`,
      [PgTypes.int4(RollupState.version)]
    )
    .pipe(decodeRows(Behind))
})

/** The same for the visits of the open days of websites with many page views. */
export const advance: Effect.Effect<boolean, RoundError, SqlClient.SqlClient> = Effect.gen(function* () {
  return yield* forEachSite(yield* sitesBehind, (site, before, deadline) =>
    Effect.forEach(openDays(site.timeZone, before), (day) => advanceDay(site, day, before, deadline), {
      discard: true
    })
  )
})

/** A day should be rolled up within this many milliseconds after it ends. */
const maxLag = 6 * hourMillis

const Lagging = Schema.Tuple([Schema.Struct({ count: Schema.Int })])

/**
 * Counts the websites with a day that ended over six hours ago and is not rolled up, in one statement for all of them. Days
 * before a website's first row do not matter.
 */
export const countLagging: Effect.Effect<number, SqlError.SqlError, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const before = (yield* Clock.currentTimeMillis) - maxLag
  // The rollups of websites in a zone that this program does not know are among the failed items.
  const { dates, ends, zones } = yield* closedDays(before)
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
      [zones, dates, ends, PgTypes.int4(RollupState.version)]
    )
    .pipe(decodeRows(Lagging))
  return count
})

/** Recomputes the rollups of one website, or of all. Waits while another process rolls up. */
export const rebuild = Effect.fnUntraced(function* (
  hostedWebsiteId?: string
): Effect.fn.Return<void, SqlError.SqlError | Cause.TimeoutError, SqlClient.SqlClient> {
  const before = yield* horizon
  const all = yield* sitesWhere("true")
  for (const site of all.filter((one) => hostedWebsiteId === undefined || one.hostedWebsiteId === hostedWebsiteId)) {
    yield* update(site, before, true, Number.POSITIVE_INFINITY).pipe(
      Effect.provideService(DayRollUp.MaxStatement, 0),
      Effect.catchTag("SiteChanged", () => Effect.void),
      // Unreachable: with `isRebuild`, transactions wait.
      Effect.catchTag("Busy", Effect.die)
    )
    yield* FailedItems.clear("rollup", site.hostedWebsiteId)
  }
  yield* PlannerStatistics.refresh
})

/** How long after a round that rolled up the next one follows, since a website may have exceeded its turn. */
const nextTurn = Duration.seconds(5)

/** Rolls up on connections of its own when it is woken, until the scope closes. */
export const layer: Layer.Layer<never, SqlError.SqlError, PgClient.PgClient> = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* Database.dedicated({ maxConnections: maxConcurrent })
    const start = (work: typeof round, what: string) =>
      Rounds.start({
        kind: "rollups",
        what,
        round: work.pipe(
          Effect.provideService(SqlClient.SqlClient, sql),
          Effect.map((hadWork) => (hadWork ? nextTurn : null))
        ),
        gap: "1 second",
        startsAtOnce: false
      })
    yield* start(round, "roll up page views")
    yield* start(advance, "store the visits of open days")
  })
)
