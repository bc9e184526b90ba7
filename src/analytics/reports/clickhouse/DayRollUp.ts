/**
 * Stores the visits of days, so that reports need not compute them from rows each time, and the sums of these visits.
 *
 * Several processes may roll up at the same time, and any of them may be interrupted. Therefore visits carry the number of
 * their rollup run. Of the numbers that `visit_run` has for a day, the highest is the current one, and only its visits are
 * used. A number begins with the time of its rollup run. Visits of replaced runs are deleted later.
 *
 * @module
 */
import { randomInt } from "node:crypto"
import { Array as Arr, Clock, Effect, Schema } from "effect"
import { bounded, ClickHouse, quoted } from "../../../platform/clickhouse/ClickHouse.ts"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import * as Migrations from "../../../platform/clickhouse/schema/Migrations.ts"
import * as Tables from "../../../platform/clickhouse/schema/Tables.ts"
import * as Rows from "../../../platform/runtime/Rows.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { dateOf, hourMillis } from "../../../platform/text/Calendar.ts"
import { WritableSites } from "../../../sites/SiteDirectory.ts"
import * as SeparateStore from "../../clickhouse/SeparateStore.ts"
import type { Day } from "../LocalTime.ts"
import * as LocalTime from "../LocalTime.ts"
import * as Packs from "../Packs.ts"
import * as DimensionSql from "./DimensionSql.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as SumSql from "./SumSql.ts"
import * as VisitDays from "./VisitDays.ts"
import * as VisitSql from "./VisitSql.ts"

/** The approximate maximum number of rows per statement, unless one day has more. This bounds the server's memory. */
const maxRows = 300_000

/** The maximum number of days per statement. Their bounds are parameters, which are part of the URL. */
const maxDays = 50

/** Maximum duration of a statement that stores visits or sums, in seconds. */
const maxSeconds = 600

/** Maximum duration of a statement that ends a rollup run. The erasure of a website waits for it. */
const endTimeout = "30 seconds"

const randomBits = 20

/** The lowest number that a rollup run at this time can have, as the decimal digits of a 64-bit number. */
const firstNumberOf = (time: number): string => String(BigInt(time) << BigInt(randomBits))

const numberOf = (now: number): string => String(BigInt(firstNumberOf(now)) + BigInt(randomInt(2 ** randomBits)))

/** A day and the time before which its rows are rolled up. */
interface Span {
  readonly day: Day
  readonly until: number
}

type Spans = readonly [Span, ...ReadonlyArray<Span>]

/** Groups successive days into chunks of at most `maxRows` rows and `maxDays` days, or of one day. */
const chunksOf = (spans: ReadonlyArray<Span>, rowsOf: (span: Span) => number): ReadonlyArray<Spans> =>
  Packs.of(spans, rowsOf, {
    weight: maxRows,
    items: maxDays,
    follows: (last, { day }) => last.until === day.start
  })

/**
 * Stores the visits of websites on some successive days, and their sums. Only the last day may go on. Stores nothing of a website
 * that is being deleted. The deletion does not wait for the statements that compute visits, which take long: if it
 * begins meanwhile, the visits are deleted at the end.
 */
const store = Effect.fnUntraced(function* (
  reader: Reader,
  given: ReadonlyArray<string>,
  timeZone: string,
  [first, ...others]: Spans
) {
  const { command, insert } = yield* ClickHouse
  const { during } = yield* WritableSites
  const sites = yield* during(new Set(given), (writable) => Effect.succeed(given.filter((site) => writable.has(site))))
  if (sites.length === 0) return
  const spans = [first, ...others]
  const cut = ({ day, until }: Span): Day => ({ ...day, end: until })
  const days: VisitSql.Days = [cut(first), ...others.map(cut)]
  // Before the rows: those that arrive meanwhile may be missing in the visits, so they must not be counted.
  const late = yield* VisitDays.late(reader, sites, timeZone, [first.day, ...others.map(({ day }) => day)])
  const roll = numberOf(yield* Clock.currentTimeMillis)
  const execute = (name: string, statement: (parameters: Parameters, isOfSites: string, number: string) => string) => {
    const parameters = new Parameters()
    const text = statement(parameters, `hosted_website_id IN ${parameters.uuids(sites)}`, parameters.number(roll))
    return command(text, {
      parameters: parameters.values,
      settings: {
        distributed_foreground_insert: 1,
        max_execution_time: maxSeconds,
        insert_deduplication_token: `${name} ${roll}`
      }
    })
  }
  const names = VisitSql.columns.map(([name]) => name).join(", ")
  yield* execute("visits", (parameters, isOfSites, number) => {
    const start = VisitSql.dayStart(parameters, days, "toUnixTimestamp64Milli(started_at)")
    const starts = parameters.integers(days.map((day) => day.start))
    const date = `(${parameters.dates(days.map((day) => day.date))})[indexOf(${starts}, ${start})]`
    return `INSERT INTO visit (hosted_website_id, day, roll, ${names})
      SELECT hosted_website_id, ${date}, ${number}, ${names}
      FROM (${VisitSql.visits(parameters, () => isOfSites, days, [...VisitSql.columns, VisitSql.siteColumn])})`
  })
  yield* execute("sums", (parameters, isOfSites, number) => {
    const [from, to] = [first.day.date, (others.at(-1) ?? first).day.date].map((date) => parameters.date(date))
    const statement = SumSql.sums(
      parameters,
      number,
      LocalTime.offsets(timeZone, days),
      (columns) => `SELECT ${[...columns, VisitSql.siteColumn].map(([name]) => name).join(", ")} FROM visit
        WHERE ${isOfSites} AND day >= ${from} AND day <= ${to} AND roll = ${number}`
    )
    return `INSERT INTO visit_sum (${SumSql.columns}) ${statement}`
  })
  const version = VisitDays.versionOf(timeZone)
  const runsOf = (site: string) =>
    spans.map(({ day, until }) => {
      const { leads, rows } = late(site, day.date)
      return [site, day.date, roll, version, until, rows, leads]
    })
  const gone = yield* during(new Set(sites), (writable) => {
    const run = insert({
      // A view copies it to `visit_run`; see the migration `0003_runs`.
      table: "visit_day",
      token: roll,
      columns: ["hosted_website_id", "day", "roll", "version", "until", "late_rows", "late_leads"],
      rows: sites.filter((site) => writable.has(site)).flatMap(runsOf)
    })
    return Effect.as(
      writable.size === 0 ? Effect.void : bounded(endTimeout)(run),
      sites.filter((site) => !writable.has(site))
    )
  })
  yield* Effect.forEach(gone, (site) => SeparateStore.eraseVisits(site, endTimeout), { discard: true })
})

const Counts = Schema.Array(Schema.Struct({ start: Schema.Int, rows: Schema.Int }))

/** The number of page views, events and conversions between two successive ones of some times. */
const rowCounts = Effect.fnUntraced(function* (reader: Reader, hostedWebsiteId: string, times: ReadonlyArray<number>) {
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const [from, to] = [parameters.time(times[0] ?? 0), parameters.time(times.at(-1) ?? 0)]
  const starts = parameters.integers(times)
  const rows = VisitSql.ofSources(
    (table, time) => `SELECT toUnixTimestamp64Milli(${time}) AS at FROM ${table}
      WHERE hosted_website_id = ${site} AND ${time} >= ${from} AND ${time} < ${to}`
  )
  const found = yield* reader
    .read(`SELECT roundDown(at, ${starts}) AS start, count() AS rows FROM (${rows}) GROUP BY start`, parameters)
    .pipe(decodeRows(Counts))
  const counts = new Map(found.map(({ rows, start }) => [start, rows]))
  return (start: number) => counts.get(start) ?? 0
})

/** A day that goes on is rolled up again when this part of its rows is new. */
const renewedPart = 0.05

export interface Options {
  /** The days to roll up, in the website's time zone. */
  readonly days: ReadonlyArray<Day>
  /** Whether days whose stored visits are current are rolled up too. */
  readonly isForced: boolean
  /** With fewer new rows, nothing is rolled up, because reports compute their visits fast enough. */
  readonly minRows: number
  /** Only the rows before this time are rolled up. Default: those that are older than `VisitDays.settleMillis`. */
  readonly until?: number
}

/**
 * Rolls up the days of a website whose stored visits are missing or not current; with `isForced`, all. Returns the number of these
 * days. Stores nothing if the website is being deleted.
 */
export const rollUp = Effect.fnUntraced(function* (
  reader: Reader,
  site: VisitSql.ZonedSite,
  { days, isForced, minRows, ...options }: Options
) {
  const { hostedWebsiteId, timeZone } = site
  const until = options.until ?? (yield* Clock.currentTimeMillis) - VisitDays.settleMillis
  const begun = days.filter(({ start }) => start < until)
  const plan = yield* VisitDays.plan(reader, hostedWebsiteId, timeZone, begun)
  const missing = isForced ? begun : [...plan.raw.flat(), ...plan.open.map(({ day }) => day)]
  const spans = missing
    .toSorted((left, right) => left.start - right.start)
    .map((day): Span => ({ day, until: Math.min(day.end, until) }))
  if (!Arr.isReadonlyArrayNonEmpty(spans)) return 0
  const openUntil = new Map(plan.open.map((one) => [one.day.date, one.until]))
  const partsOf = ({ day, until }: Span) => {
    const open = openUntil.get(day.date)
    return open === undefined || open >= until ? [day.start] : [day.start, open]
  }
  const times = new Set(spans.flatMap((span) => [...partsOf(span), span.until]))
  const count = yield* rowCounts(
    reader,
    hostedWebsiteId,
    [...times].sort((left, right) => left - right)
  )
  const newRows = (span: Span) => count(partsOf(span).at(-1) ?? 0)
  const allRows = (span: Span) => partsOf(span).reduce((sum, start) => sum + count(start), 0)
  const isRenewed = (span: Span) =>
    isForced || span.until === span.day.end || newRows(span) >= Math.max(minRows, renewedPart * allRows(span))
  const chosen = spans.filter(isRenewed)
  if (!isForced && chosen.reduce((sum, span) => sum + newRows(span), 0) < minRows) return 0
  yield* Effect.forEach(chunksOf(chosen, allRows), (chunk) => store(reader, [hostedWebsiteId], timeZone, chunk), {
    discard: true
  })
  return chosen.length
})

const Extents = Schema.Array(
  Schema.Struct({ id: Schema.String, first: Schema.Finite, last: Schema.Finite, rows: Schema.Int })
)

type Extent = (typeof Extents.Type)[number]

/** The maximum number of websites of a batch. */
const maxSites = 2_000

/** Groups websites into batches of at most `maxRows` rows, or of one website. Those that began at the same time have the same days. */
const batchesOf = (extents: ReadonlyArray<Extent>) =>
  Packs.of(
    extents.toSorted((left, right) => left.first - right.first),
    ({ rows }) => rows,
    { weight: maxRows, items: maxSites }
  )

/** How long replaced visits are kept: a running report may still read them. */
export const graceMillis = hourMillis

/** The time from which on rollup runs keep their visits, although they are replaced; in milliseconds since 1970. */
const keptSince = Effect.fnUntraced(function* (olderThan: number) {
  const { query } = yield* ClickHouse
  const now = yield* Rows.earlierTime(query("SELECT toUnixTimestamp64Milli(now64(3)) AS now"))
  return now - olderThan
})

/**
 * Deletes the rows that a condition selects in the tables with visits, of several websites. The sums are deleted first: after an
 * interruption, the runs are found again in the other tables.
 */
const deleteRuns = Effect.fnUntraced(function* (sites: ReadonlyArray<string>, condition: string) {
  const { command } = yield* ClickHouse
  const target = yield* Migrations.target
  const ids = sites.map(quoted).join(", ")
  for (const name of ["visit_sum", "visit", "visit_day", "visit_run"] as const) {
    yield* command(
      // No lightweight deletion: it only hides rows. They would stay on the disk, and a later erasure would not find them.
      `ALTER TABLE ${Tables.localTable(target, name)}${Tables.onCluster(target)}
        DELETE WHERE hosted_website_id IN (${ids}) AND ${condition}`,
      { settings: { mutations_sync: "1" } }
    )
  }
})

/** The times and the number of the rows of websites for which a condition holds. Websites without such rows are missing. */
const extentsOf = (reader: Reader, parameters: Parameters, condition: string) => {
  const received = ["page_view", "event"].map(
    (table) => `SELECT hosted_website_id, received_at FROM ${table} WHERE ${condition}`
  )
  return reader
    .read(
      `SELECT hosted_website_id AS id, toUnixTimestamp64Milli(min(received_at)) AS first,
          toUnixTimestamp64Milli(max(received_at)) AS last, count() AS rows
        FROM (${received.join(" UNION ALL ")}) GROUP BY id`,
      parameters
    )
    .pipe(decodeRows(Extents))
}

const Missing = Schema.Array(Schema.Struct({ id: Schema.String, date: Schema.String, rows: Schema.Int }))

/** The websites that share a time zone, and those ended days of which they have rows, but not all visits are stored. */
const missingDays = (reader: Reader, sites: ReadonlyArray<string>, timeZone: string, days: VisitSql.Days) => {
  const parameters = new Parameters()
  const isOfSites = `hosted_website_id IN ${parameters.uuids(sites)}`
  const complete = VisitDays.complete(parameters, isOfSites, timeZone, days)
  const offset = DimensionSql.localOffset(parameters, LocalTime.offsets(timeZone, days), "received_at")
  const [start, end] = [parameters.time(days[0].start), parameters.time(VisitSql.endOf(days))]
  const received = ["page_view", "event"].map(
    (table) => `SELECT hosted_website_id, toDate(addMilliseconds(received_at, ${offset})) AS day FROM ${table}
      WHERE ${isOfSites} AND received_at >= ${start} AND received_at < ${end}`
  )
  return reader
    .read(
      `SELECT hosted_website_id AS id, toString(day) AS date, count() AS rows FROM (${received.join(" UNION ALL ")})
        WHERE (hosted_website_id, day) NOT IN (SELECT hosted_website_id, day FROM (${complete})) GROUP BY id, day`,
      parameters
    )
    .pipe(decodeRows(Missing))
}

/** The batches in which to roll up ended days of websites that share a time zone. Leaves out websites whose visits are stored. */
export const endedBatches = (
  reader: Reader,
  sites: ReadonlyArray<string>,
  timeZone: string,
  days: VisitSql.Days
): Effect.Effect<ReadonlyArray<ReadonlyArray<string>>, ClickHouseError> =>
  Effect.map(missingDays(reader, sites, timeZone, days), (missing) => {
    const rows = new Map<string, number>()
    for (const one of missing) rows.set(one.id, (rows.get(one.id) ?? 0) + one.rows)
    return Packs.of([...rows.keys()], (id) => rows.get(id) ?? 0, { weight: maxRows, items: maxSites })
  })

/**
 * Rolls up ended days of a batch of websites that share a time zone, so that a report of many small websites reads their sums.
 * Leaves out days whose visits are stored, for example by another process meanwhile.
 */
export const rollUpEnded = Effect.fnUntraced(function* (
  reader: Reader,
  sites: ReadonlyArray<string>,
  timeZone: string,
  days: VisitSql.Days
) {
  const missing = Map.groupBy(yield* missingDays(reader, sites, timeZone, days), ({ date }) => date)
  for (const day of days) {
    const ids = (missing.get(day.date) ?? []).map(({ id }) => id)
    if (ids.length > 0) yield* store(reader, ids, timeZone, [{ day, until: day.end }])
  }
})

/**
 * Rolls up all days of websites that share a time zone, also those whose stored visits are current, and deletes the visits of the
 * rollup runs that this replaces and that began more than `olderThan` milliseconds ago. Returns the websites that have rows.
 */
export const rollUpAll = Effect.fnUntraced(function* (
  reader: Reader,
  sites: ReadonlyArray<string>,
  timeZone: string,
  olderThan = graceMillis
) {
  const until = (yield* Clock.currentTimeMillis) - VisitDays.settleMillis
  const parameters = new Parameters()
  const extents = yield* extentsOf(reader, parameters, `hosted_website_id IN ${parameters.uuids(sites)}`)
  const { toLocal } = LocalTime.zone(timeZone)
  for (const batch of batchesOf(extents)) {
    const first = Math.min(...batch.map((extent) => extent.first))
    const last = Math.max(...batch.map((extent) => extent.last))
    const days = LocalTime.days(timeZone, dateOf(toLocal(first)), dateOf(toLocal(last)))
    const begun = days.filter(({ start }) => start < until)
    const ids = batch.map(({ id }) => id)
    const [site, ...others] = batch
    const startedAt = yield* Clock.currentTimeMillis
    if (others.length === 0) {
      yield* rollUp(reader, { hostedWebsiteId: site.id, timeZone }, { days, isForced: true, minRows: 0 })
    } else {
      const spans = begun.map((day): Span => ({ day, until: Math.min(day.end, until) }))
      yield* Effect.forEach(
        chunksOf(spans, () => 0),
        (chunk) => store(reader, ids, timeZone, chunk),
        { discard: true }
      )
    }
    const [from, to] = [begun[0], begun.at(-1)]
    if (from === undefined || to === undefined) continue
    // All earlier runs of these days are replaced.
    const before = firstNumberOf(Math.min(startedAt, yield* keptSince(olderThan)))
    yield* deleteRuns(ids, `day >= ${quoted(from.date)} AND day <= ${quoted(to.date)} AND roll < ${before}`)
  }
  return extents.map(({ id }) => id)
})

/** The maximum number of pairs of a day and a rollup run that one statement deletes. */
const maxPairs = 1_000

const Pairs = Schema.Array(
  Schema.Struct({ site: Schema.String, date: Schema.Int, number: Schema.String.check(Schema.isPattern(/^[0-9]+$/)) })
)

/**
 * Deletes the visits of replaced rollup runs of websites that began more than `olderThan` milliseconds ago, at most `maxPairs` of
 * them.
 */
export const removeReplaced = Effect.fnUntraced(function* (
  reader: Reader,
  hostedWebsiteIds: ReadonlyArray<string>,
  olderThan = graceMillis
) {
  const parameters = new Parameters()
  const isOfSites = `hosted_website_id IN ${parameters.uuids(hostedWebsiteIds)}`
  const before = parameters.number(firstNumberOf(yield* keptSince(olderThan)))
  const found = yield* reader
    .read(
      `SELECT DISTINCT hosted_website_id AS site, toUInt32(day) AS date, toString(roll) AS number FROM (
          SELECT hosted_website_id, day, roll FROM visit WHERE ${isOfSites}
          UNION ALL SELECT hosted_website_id, day, roll FROM visit_run WHERE ${isOfSites}
        )
        WHERE roll < ${before} AND (hosted_website_id, day, roll) NOT IN (
          SELECT hosted_website_id, day, max(roll) FROM visit_run WHERE ${isOfSites} GROUP BY hosted_website_id, day
        )
        LIMIT ${maxPairs}`,
      parameters
    )
    .pipe(decodeRows(Pairs))
  if (found.length === 0) return
  const pairs = found.map(({ date, number, site }) => `(${quoted(site)}, ${date}, ${number})`).join(", ")
  const ids = Array.from(new Set(found.map(({ site }) => site)))
  yield* deleteRuns(ids, `(toString(hosted_website_id), toUInt32(day), roll) IN (${pairs})`)
})
