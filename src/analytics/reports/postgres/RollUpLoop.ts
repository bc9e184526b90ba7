/**
 * Keeps the rollups of all websites up to date in the background; see `DayRollUp`. Each website has a lock, for which no
 * transaction waits, in case that several processes roll up. Websites with few page views are rolled up in batches.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Array as Arr, type Cause, Clock, Duration, Effect, Layer, Result, Schedule, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { HostedWebsiteId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import * as FailedItems from "../../../platform/rounds/postgres/FailedItems.ts"
import * as Rounds from "../../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { dateOf } from "../../../platform/text/Calendar.ts"
import * as LocalTime from "../LocalTime.ts"
import * as Packs from "../Packs.ts"
import type { LocalDate } from "../Query.ts"
import * as DayRollUp from "./DayRollUp.ts"
import * as OpenDays from "./OpenDays.ts"
import * as RollupPlan from "./RollupPlan.ts"
import * as RollupState from "./RollupState.ts"

/** Maximum number of websites that are rolled up together. */
const maxBatch = 100

/** A website with more rows than this in the days that are to be rolled up has a turn of its own. */
const maxRowsInBatch = 10_000

/** Maximum number of days in one transaction. */
const maxDays = 366

/** Timeout of a statement outside of the transactions of `DayRollUp`. */
const statementTimeout = Duration.minutes(5)

/** A place before all websites. */
const beforeAll = "00000000-0000-0000-0000-000000000000"

/**
 * The websites of which a condition is true: the first `OpenDays.pageSize` after one, in the order of their ids. They are found before they are limited: with a limit, the planner would visit all websites in this order.
 */
const sitesWhere = (condition: string, after: string, parameters: ReadonlyArray<PgTypes.Parameter> = []) =>
  SqlClient.SqlClient.use((sql) =>
    sql
      .unsafe(
        `WITH found AS MATERIALIZED (
        SELECT ${DayRollUp.siteColumns}
        FROM site LEFT JOIN rollup_site AS state USING (hosted_website_id)
        WHERE deleted_at IS NULL AND website_config_id > $1 AND (${condition})
      )
      SELECT * FROM found ORDER BY "websiteConfigId" LIMIT ${OpenDays.pageSize}`,
        [PgTypes.uuid(after), ...parameters]
      )
      .pipe(DayRollUp.decodeSites)
  )

const rowsOf = (sites: DayRollUp.Sites, days: ReadonlyArray<LocalTime.Day>, group: string) => {
  const counts = ["page_view", "event"].map(
    (table) => `SELECT ${group} AS key, count(*) AS rows FROM ${table}
      WHERE hosted_website_id = ANY ($1) AND received_at >= $2 AND received_at < $3 GROUP BY 1`
  )
  return {
    statement: `SELECT key, sum(rows)::bigint AS rows FROM (${counts.join(" UNION ALL ")}) AS counted GROUP BY key`,
    parameters: [
      DayRollUp.idsOf(sites),
      PgTypes.timestamptz(days[0]?.start ?? 0),
      PgTypes.timestamptz(days.at(-1)?.end ?? 0)
    ]
  }
}

const DayCounts = Schema.Array(Schema.Struct({ key: Schema.Int, rows: Schema.BigInt }))

/** The number of page views and events of each day. */
const countRowsOfDays = Effect.fnUntraced(function* (site: DayRollUp.Sites, days: ReadonlyArray<LocalTime.Day>) {
  const sql = yield* SqlClient.SqlClient
  const starts = Database.timestamps(days.map(({ start }) => start))
  const { parameters, statement } = rowsOf(site, days, "width_bucket(received_at, $4)")
  const rows = yield* sql.unsafe(statement, [...parameters, starts]).pipe(decodeRows(DayCounts))
  return new Map(rows.map(({ key, rows }) => [days[key - 1]?.date, Number(rows)]))
})

const SiteCounts = Schema.Array(Schema.Struct({ key: Schema.String, rows: Schema.BigInt }))

/** The number of page views and events of each website from the first of some days to the last. */
const countRowsOfSites = Effect.fnUntraced(function* (sites: DayRollUp.Sites, days: ReadonlyArray<LocalTime.Day>) {
  const sql = yield* SqlClient.SqlClient
  const { parameters, statement } = rowsOf(sites, days, "hosted_website_id")
  const rows = yield* sql.unsafe(statement, parameters).pipe(decodeRows(SiteCounts))
  const counts = new Map(rows.map(({ key, rows }) => [key, Number(rows)]))
  return (id: string): number => counts.get(id) ?? 0
})

/** Groups successive days into transactions. */
const chunks = (days: ReadonlyArray<LocalTime.Day>, rows: ReadonlyMap<string | undefined, number>) =>
  Packs.of(days, ({ date }) => rows.get(date) ?? 0, {
    weight: OpenDays.maxRows,
    items: maxDays,
    follows: (last, day) => last.end === day.start
  })

/** Retries a transaction while another process rolls up. */
const whenFree = <A, E extends { readonly _tag: string }, R>(transaction: Effect.Effect<A, E, R>) =>
  Effect.retry(transaction, { while: ({ _tag }) => _tag === "Busy", schedule: Schedule.spaced("100 millis") })

const Missing = Schema.Array(Schema.Struct({ id: Schema.String, days: Schema.String, months: Schema.String }))

/**
 * The dates of the days and the months without a sum, as texts; with `isRebuild`, of all days. `begins` has the first date of each
 * website.
 */
const missingOf = Effect.fnUntraced(function* (
  begins: ReadonlyMap<string, LocalDate>,
  days: ReadonlyArray<LocalTime.Day>,
  isRebuild: boolean
) {
  const sql = yield* SqlClient.SqlClient
  const dates = (values: ReadonlyArray<LocalDate>) => Database.dates(values)
  const ids = [...begins.keys()]
  const texts = (condition: string) =>
    `coalesce(string_agg(to_char(date, 'YYYY-MM-DD'), ' ' ORDER BY date) FILTER (WHERE ${condition}), '')`
  return yield* sql
    .unsafe(
      `WITH given AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::date[]) AS given (id, begin))
      SELECT id, ${texts("NOT is_month")} AS days, ${texts("is_month")} AS months FROM (
        SELECT id, date, false AS is_month
        FROM given JOIN unnest($3::date[], $4::timestamptz[]) AS day (date, ends) ON date >= begin
          LEFT JOIN rollup_day AS rolled ON rolled.hosted_website_id = id AND rolled.hosted_website_id = ANY ($1)
            AND rolled.day = date AND ends_at = ends AND ${isRebuild ? "false" : RollupState.isCounted}
        WHERE rolled.day IS NULL
        UNION ALL
        SELECT id, date, true
        FROM given JOIN unnest($5::date[]) AS month (date) ON date >= begin
          LEFT JOIN rollup_month AS rolled ON rolled.hosted_website_id = id AND rolled.hosted_website_id = ANY ($1)
            AND rolled.month = date AND ${RollupState.isCounted}
        WHERE rolled.month IS NULL
      ) AS missing GROUP BY id`,
      [
        Database.uuids(ids),
        dates([...begins.values()]),
        dates(days.map(({ date }) => date)),
        Database.timestamps(days.map(({ end }) => end)),
        dates(RollupPlan.monthsBegunIn(days))
      ]
    )
    .pipe(decodeRows(Missing))
})

/** Websites with the same time zone. */
type Batch = readonly [DayRollUp.Site, ...ReadonlyArray<DayRollUp.Site>]

/**
 * Brings the rollups of the closed days of websites up to date, as far as it can until the deadline. With `isRebuild`, recomputes
 * all of them, and waits while another process rolls up. Then each day is replaced atomically. Returns those of several websites
 * that need a turn of their own.
 */
const update = Effect.fnUntraced(function* (
  batch: Batch,
  before: number,
  isRebuild: boolean,
  deadline: number
): Effect.fn.Return<
  ReadonlyArray<DayRollUp.Site>,
  SqlError.SqlError | DayRollUp.Busy | DayRollUp.SiteChanged,
  SqlClient.SqlClient
> {
  const sql = yield* SqlClient.SqlClient
  const [{ timeZone }] = batch
  const run = <A, R>(transaction: Effect.Effect<A, SqlError.SqlError | DayRollUp.Busy | DayRollUp.SiteChanged, R>) =>
    isRebuild ? whenFree(transaction) : transaction
  const sites = (hostedWebsiteIds: ReadonlyArray<string>): DayRollUp.Sites => ({ timeZone, hostedWebsiteIds })
  const all = sites(batch.map(({ hostedWebsiteId }) => hostedWebsiteId))
  const firsts = yield* run(DayRollUp.deleteOutdated(sql, all, isRebuild))
  const last = OpenDays.lastClosed(timeZone, before)
  const finish = (ids: ReadonlyArray<string>) =>
    sql`UPDATE rollup_site SET rolled_before = ${PgTypes.date(LocalTime.addDays(last, 1))}
      WHERE hosted_website_id = ANY (${DayRollUp.idsOf(sites(ids))}) AND time_zone = ${timeZone}`
  const beginOf = (first: number | null): LocalDate =>
    // If a website has no rows, its visits go too, also those of the open day. From the beginning of the month, so that the
    // first month is complete.
    first === null ? LocalTime.addDays(last, 2) : LocalTime.monthOf(dateOf(LocalTime.zone(timeZone).toLocal(first)))
  const begins = new Map(Array.from(firsts, ([id, first]) => [id, beginOf(first)]))
  for (const [begin, ids] of Map.groupBy(begins.keys(), (id) => begins.get(id) ?? last)) {
    const [day] = LocalTime.days(timeZone, begin, begin)
    if (day !== undefined) yield* run(DayRollUp.deleteBefore(sql, sites(ids), day))
  }
  if (isRebuild) yield* run(DayRollUp.deleteOpen(sql, sites([...begins.keys()]), LocalTime.addDays(last, 1)))

  const [earliest = last] = [...begins.values()].toSorted()
  const days = earliest > last ? [] : LocalTime.days(timeZone, earliest, last)
  const missing = days.length === 0 ? [] : yield* missingOf(begins, days, isRebuild)
  const isMissing = new Set(missing.map(({ id }) => id))
  const complete = [...begins.keys()].filter((id) => !isMissing.has(id))
  if (complete.length > 0) yield* finish(complete)
  const large: Array<string> = []
  for (const alike of Map.groupBy(missing, (one) => JSON.stringify([one.days, one.months])).values()) {
    const dates = new Set(alike[0]?.days.split(" "))
    const missingMonths = new Set(alike[0]?.months.split(" "))
    const missingDays = days.filter(({ date }) => dates.has(date))
    const rows = yield* countRowsOfSites(sites(alike.map(({ id }) => id)), missingDays)
    const isLarge = ({ id }: (typeof alike)[number]) => batch.length > 1 && rows(id) > maxRowsInBatch
    large.push(...alike.filter(isLarge).map(({ id }) => id))
    const ids = alike.filter((one) => !isLarge(one)).map(({ id }) => id)
    for (const pack of Packs.of(ids, rows, { weight: OpenDays.maxRows, items: maxBatch })) {
      const [id] = pack
      const isAlone = pack.length === 1 && rows(id) > OpenDays.maxRows
      const ofDays = isAlone ? yield* countRowsOfDays(sites(pack), missingDays) : new Map<string, number>()
      for (const chunk of chunks(missingDays, ofDays)) {
        if ((yield* Clock.currentTimeMillis) >= deadline) return []
        const [day] = chunk
        if (isAlone && !isRebuild && day !== undefined && (ofDays.get(day.date) ?? 0) > OpenDays.maxRows) {
          const [site] = batch
          if (!(yield* OpenDays.advanceDay(site, day, before, deadline))) return []
        }
        yield* run(DayRollUp.rollDays(sql, sites(pack), chunk, isRebuild))
      }
    }
    if (ids.length === 0) continue
    const changedMonths = new Set(missingDays.map(({ date }) => LocalTime.monthOf(date)))
    const months = RollupPlan.monthsBegunIn(days).filter(
      (month) => changedMonths.has(month) || missingMonths.has(month)
    )
    if (months.length > 0) yield* run(DayRollUp.rollMonths(sql, sites(ids), months, days))
    yield* finish(ids)
  }
  return batch.filter(({ hostedWebsiteId }) => large.includes(hostedWebsiteId))
})

const Zones = Schema.Array(Schema.Struct({ time_zone: Schema.String }))

/** The time zones of websites with the last day that ended before the OpenDays.horizon, by this program's zones: PostgreSQL's may differ. */
const closedDays = (before: number) =>
  SqlClient.SqlClient.use((sql) => sql`SELECT DISTINCT time_zone FROM site WHERE deleted_at IS NULL`).pipe(
    decodeRows(Zones),
    Effect.map((zones) =>
      zones.flatMap(({ time_zone: timeZone }) =>
        // A zone that this program does not know is left out.
        Result.getOrElse(
          Result.try(() => [{ timeZone, date: OpenDays.lastClosed(timeZone, before) }]),
          () => []
        )
      )
    ),
    Effect.map((closed) => ({
      zones: Database.texts(closed.map(({ timeZone }) => timeZone)),
      dates: Database.dates(closed.map(({ date }) => date))
    }))
  )

/**
 * The websites whose rollups are not up to date, at most `OpenDays.pageSize`. A website in an unknown zone is one of them, so that its attempt
 * fails with the reason.
 */
export const candidates = (before: number, after = beforeAll) =>
  Effect.flatMap(closedDays(before), ({ dates, zones }) =>
    sitesWhere(
      `state.time_zone IS DISTINCT FROM site.time_zone OR version <> $4 OR rolled_before IS NULL
        OR coalesce(rolled_before <= (SELECT day FROM unnest($2::text[], $3::date[]) AS closed (zone, day)
          WHERE zone = site.time_zone), true)
        OR hosted_website_id IN (SELECT hosted_website_id FROM rollup_stale)`,
      after,
      [zones, dates, PgTypes.int4(RollupState.version)]
    )
  )

const batchesBy = <A>(
  all: ReadonlyArray<A>,
  key: (one: A) => string
): ReadonlyArray<readonly [A, ...ReadonlyArray<A>]> =>
  [...Map.groupBy(all, key).values()].flatMap((alike) =>
    Arr.isReadonlyArrayNonEmpty(alike) ? Arr.chunksOf(alike, maxBatch) : []
  )

/** A batch has websites with the same time zone. A website that has failed is alone. */
const batchesOf = (ready: ReadonlyArray<FailedItems.Ready<DayRollUp.Site>>) =>
  batchesBy(ready, ({ failures, id, item }) => (failures > 0 ? id : item.timeZone))

/** Brings the rollups of websites up to date, except those that another process rolls up. Returns whether there were any. */
const updateAll = Effect.fnUntraced(function* (sites: ReadonlyArray<DayRollUp.Site>) {
  const ready = yield* FailedItems.ready("rollup", sites, ({ hostedWebsiteId }) => hostedWebsiteId)
  if (ready.length === 0) return false
  const before = yield* OpenDays.horizon
  const work = ([first, ...others]: ReadonlyArray<DayRollUp.Site>) =>
    first === undefined
      ? Effect.succeed<ReadonlyArray<DayRollUp.Site>>([])
      : Clock.currentTimeMillis.pipe(
          Effect.flatMap((now) => update([first, ...others], before, false, now + OpenDays.maxTurn)),
          // The next round tries again.
          Effect.catchTag(["SiteChanged", "Busy"], () => Effect.succeed<ReadonlyArray<DayRollUp.Site>>([]))
        )
  const large = yield* FailedItems.batches("rollup", batchesOf(ready), work, OpenDays.maxConcurrent)
  const alone = large.flat().map((item) => ({ item, id: item.hostedWebsiteId, failures: 0 }))
  yield* FailedItems.each("rollup", alone, (site) => work([site]), OpenDays.maxConcurrent)
  // Before, they may have had many page views already.
  const { add } = yield* OpenDays.BusySites
  add(sites.map(({ hostedWebsiteId }) => hostedWebsiteId))
  return true
})

/** Brings the rollups of all websites up to date once, except those that another process rolls up. Returns whether there were any. */
export const round: Effect.Effect<boolean, OpenDays.RoundError, SqlClient.SqlClient> = Effect.gen(function* () {
  let hadWork = false
  let after: string | undefined = beforeAll
  while (after !== undefined) {
    const before = (yield* Clock.currentTimeMillis) - OpenDays.maxUnmarkedDelay
    const page: ReadonlyArray<DayRollUp.Site> = yield* candidates(before, after)
    if (yield* updateAll(page)) hadWork = true
    after = page[OpenDays.pageSize - 1]?.websiteConfigId
  }
  return hadWork
})

/** Recomputes the rollups of websites with the same time zone, except those that are deleted or changed meanwhile. */
const rebuildBatch = (
  batch: ReadonlyArray<DayRollUp.Site>,
  before: number
): Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient> => {
  if (!Arr.isReadonlyArrayNonEmpty(batch)) return Effect.void
  return update(batch, before, true, Number.POSITIVE_INFINITY).pipe(
    Effect.provideService(DayRollUp.MaxStatement, 0),
    // Unreachable: with `isRebuild`, transactions wait.
    Effect.catchTag("Busy", Effect.die),
    Effect.flatMap((large) => Effect.forEach(large, (site) => rebuildBatch([site], before), { discard: true })),
    Effect.catchTag("SiteChanged", ({ hostedWebsiteIds }) =>
      rebuildBatch(
        batch.filter((site) => !hostedWebsiteIds.includes(site.hostedWebsiteId)),
        before
      )
    )
  )
}

/** Recomputes the rollups of one website, or of all in batches. Waits while another process rolls up. */
export const rebuild = Effect.fnUntraced(function* (
  hostedWebsiteId?: HostedWebsiteId
): Effect.fn.Return<void, SqlError.SqlError | Cause.TimeoutError, SqlClient.SqlClient> {
  const before = yield* OpenDays.horizon
  let after: string | undefined = beforeAll
  while (after !== undefined) {
    const page: ReadonlyArray<DayRollUp.Site> = yield* hostedWebsiteId === undefined
      ? sitesWhere("true", after)
      : sitesWhere("hosted_website_id = $2", after, [PgTypes.uuid(hostedWebsiteId)])
    yield* Effect.forEach(
      batchesBy(page, ({ timeZone }) => timeZone),
      (batch) => rebuildBatch(batch, before),
      {
        concurrency: OpenDays.maxConcurrent,
        discard: true
      }
    )
    yield* FailedItems.clear(
      "rollup",
      page.map((site) => site.hostedWebsiteId)
    )
    after = page[OpenDays.pageSize - 1]?.websiteConfigId
  }
})

/** How long after a round that rolled up the next one follows, since a website may have exceeded its turn. */
const nextTurn = Duration.seconds(5)

/** Rolls up on connections of its own when it is woken, until the scope closes. */
export const layer: Layer.Layer<never, SqlError.SqlError, PgClient.PgClient> = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* Database.dedicated({ maxConnections: OpenDays.maxConcurrent, timeout: statementTimeout })
    const { wake } = yield* Rounds.Wakeups
    const start = (kind: Rounds.Kind, work: typeof round, next: Duration.Duration, what: string) =>
      Rounds.start({
        kind,
        what,
        round: work.pipe(
          Effect.provideService(SqlClient.SqlClient, sql),
          Effect.map((hadWork) => (hadWork ? next : null)),
          Database.mapErrors
        ),
        gap: "1 second",
        startsAtOnce: false
      })
    const rollUp = Effect.tap(round, (hadWork) => Effect.sync(() => hadWork && wake("open-days")))
    yield* start("rollups", rollUp, nextTurn, "roll up page views")
    yield* start("open-days", OpenDays.advanceBusy, OpenDays.nextAdvance, "store the visits of open days")
    // Found once, they are advanced until they are up to date: no further search of all websites follows.
    const find = OpenDays.findBusy.pipe(
      Effect.tap((areFound) => Effect.sync(() => areFound && wake("open-days"))),
      Effect.as(false)
    )
    yield* start("all-open-days", find, OpenDays.nextAdvance, "look for websites with many page views")
  })
)
