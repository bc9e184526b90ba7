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
import { bounded, ClickHouse } from "../../../platform/clickhouse/ClickHouse.ts"
import { quoted } from "../../../platform/clickhouse/Literal.ts"
import * as Layout from "../../../platform/clickhouse/schema/Layout.ts"
import * as Tables from "../../../platform/clickhouse/schema/Tables.ts"
import * as Rows from "../../../platform/runtime/Rows.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { hourMillis } from "../../../platform/text/Calendar.ts"
import { WritableSites } from "../../../sites/WritableSites.ts"
import * as Erasure from "../../clickhouse/Erasure.ts"
import type { Day } from "../LocalTime.ts"
import * as LocalTime from "../LocalTime.ts"
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
const chunksOf = (spans: ReadonlyArray<Span>, rowsOf: (span: Span) => number): ReadonlyArray<Spans> => {
  const chunks: Array<{ spans: [Span, ...Array<Span>]; rows: number }> = []
  for (const span of spans) {
    const last = chunks.at(-1)
    const rows = rowsOf(span)
    const isNext = last?.spans.at(-1)?.until === span.day.start
    if (last !== undefined && isNext && last.rows + rows <= maxRows && last.spans.length < maxDays) {
      last.spans.push(span)
      last.rows += rows
    } else chunks.push({ spans: [span], rows })
  }
  return chunks.map((chunk) => chunk.spans)
}

/**
 * Stores the visits of some successive days, and their sums. Only the last day may go on. Stores nothing
 * if the website is being deleted. The deletion does not wait for the statements that compute visits, which take long: if it
 * begins meanwhile, the visits are deleted at the end.
 */
const store = Effect.fnUntraced(function* (
  reader: Reader,
  { hostedWebsiteId, timeZone }: VisitSql.ZonedSite,
  [first, ...others]: Spans
) {
  const { command, insert } = yield* ClickHouse
  const { during } = yield* WritableSites
  const whileWritable = <A, E, R>(work: (isWritable: boolean) => Effect.Effect<A, E, R>) =>
    during(new Set([hostedWebsiteId]), (writable) => work(writable.has(hostedWebsiteId)))
  if (!(yield* whileWritable(Effect.succeed))) return
  const spans = [first, ...others]
  const cut = ({ day, until }: Span): Day => ({ ...day, end: until })
  const days: VisitSql.Days = [cut(first), ...others.map(cut)]
  // Before the rows: those that arrive meanwhile may be missing in the visits, so they must not be counted.
  const late = yield* VisitDays.late(reader, hostedWebsiteId, timeZone, [first.day, ...others.map(({ day }) => day)])
  const roll = numberOf(yield* Clock.currentTimeMillis)
  const execute = (name: string, statement: (parameters: Parameters, site: string, number: string) => string) => {
    const parameters = new Parameters()
    const text = statement(parameters, parameters.uuid(hostedWebsiteId), parameters.number(roll))
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
  yield* execute("visits", (parameters, site, number) => {
    const start = VisitSql.dayStart(parameters, days, "toUnixTimestamp64Milli(started_at)")
    const starts = parameters.integers(days.map((day) => day.start))
    const date = `(${parameters.dates(days.map((day) => day.date))})[indexOf(${starts}, ${start})]`
    return `INSERT INTO visit (hosted_website_id, day, roll, ${names})
      SELECT ${site}, ${date}, ${number}, ${names} FROM (${VisitSql.visits(parameters, VisitSql.ofSite(site), days)})`
  })
  yield* execute("sums", (parameters, site, number) => {
    const [from, to] = [first.day.date, (others.at(-1) ?? first).day.date].map((date) => parameters.date(date))
    const statement = SumSql.sums(
      parameters,
      site,
      number,
      LocalTime.offsets(timeZone, days),
      (columns) => `SELECT ${columns.map(([name]) => name).join(", ")} FROM visit
        WHERE hosted_website_id = ${site} AND day >= ${from} AND day <= ${to} AND roll = ${number}`
    )
    return `INSERT INTO visit_sum (${SumSql.columns}) ${statement}`
  })
  const run = insert({
    table: "visit_run",
    token: roll,
    columns: ["hosted_website_id", "day", "roll", "version", "until", "late_rows", "late_leads"],
    rows: spans.map(({ day, until }) => {
      const { leads, rows } = late.get(day.date) ?? { rows: 0, leads: 0 }
      return [hostedWebsiteId, day.date, roll, VisitDays.versionOf(timeZone), until, rows, leads]
    })
  })
  const isStored = yield* whileWritable((isWritable) =>
    Effect.as(Effect.when(bounded(endTimeout)(run), Effect.succeed(isWritable)), isWritable)
  )
  if (!isStored) yield* Erasure.eraseVisits(hostedWebsiteId, endTimeout)
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
  yield* Effect.forEach(chunksOf(chosen, allRows), (chunk) => store(reader, site, chunk), { discard: true })
  return chosen.length
})

/** How long replaced visits are kept: a running report may still read them. */
export const graceMillis = hourMillis

/** The maximum number of pairs of a day and a rollup run that one statement deletes. */
const maxPairs = 1_000

const Pairs = Schema.Array(
  Schema.Struct({ date: Schema.Int, number: Schema.String.check(Schema.isPattern(/^[0-9]+$/)) })
)

/** Deletes the visits of replaced rollup runs that began more than `olderThan` milliseconds ago. */
export const removeReplaced = Effect.fnUntraced(function* (
  reader: Reader,
  hostedWebsiteId: string,
  olderThan = graceMillis
) {
  const { command, query } = yield* ClickHouse
  const now = yield* Rows.earlierTime(query("SELECT toUnixTimestamp64Milli(now64(3)) AS now"))
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const before = parameters.number(firstNumberOf(now - olderThan))
  const found = yield* reader
    .read(
      `SELECT DISTINCT toUInt32(day) AS date, toString(roll) AS number FROM (
          SELECT day, roll FROM visit WHERE hosted_website_id = ${site}
          UNION ALL SELECT day, roll FROM visit_run WHERE hosted_website_id = ${site}
        )
        WHERE roll < ${before}
          AND (day, roll) NOT IN (SELECT day, max(roll) FROM visit_run WHERE hosted_website_id = ${site} GROUP BY day)
        LIMIT ${maxPairs}`,
      parameters
    )
    .pipe(decodeRows(Pairs))
  if (found.length === 0) return
  const target = yield* Layout.target
  const pairs = found.map(({ date, number }) => `(${date}, ${number})`).join(", ")
  // The sums first: after an interruption, the pairs are found again in the other tables.
  for (const name of ["visit_sum", "visit", "visit_run"] as const) {
    yield* command(
      // No lightweight deletion: it only hides rows. They would stay on the disk, and a later erasure would not find them.
      `ALTER TABLE ${Tables.localTable(target, name)}${Tables.onCluster(target)}
        DELETE WHERE hosted_website_id = ${quoted(hostedWebsiteId)} AND (toUInt32(day), roll) IN (${pairs})`,
      { settings: { mutations_sync: "1" } }
    )
  }
})
