/**
 * Decides for which days a report reads visits from the table `visit`, and for which it computes them from rows.
 *
 * The stored visits of a UTC day are used only while the rows that they were computed from are unchanged. A change is detected by
 * the number of rows and a hash of their times, hour by hour. Late rows and deletions change these. An update of other columns
 * does not, so an operator must run `report rebuild` after such an update.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Effect, Schema } from "effect"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import { dayMillis, dayOf, hourMillis } from "../../../core/text/Calendar.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import type { ClickHouseError } from "../../Errors.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as VisitSql from "./VisitSql.ts"

/** Identifies the SQL that computes visits, including the channel rules. Stored visits of another version are not used. */
export const version: string = hash(
  "sha256",
  VisitSql.visits(new Parameters(), "site", { start: 0, end: 1, visitsEnd: 2 })
).slice(0, 16)

/** Identifies the rows of a span of hours. */
export interface Signature {
  readonly rows: number
  readonly hash: number
}

/** The signature of each hour, by hours since 1970. */
export type Hours = ReadonlyMap<number, Signature>

const Arrays = Schema.Array(Schema.Int)

const HourRows = Schema.Tuple([Schema.Struct({ hours: Arrays, counts: Arrays, hashes: Arrays })])

/** The signatures of a website's hours from `start` (inclusive) to `end` (exclusive). */
export const hours = (reader: Reader, hostedWebsiteId: string, { end, start }: Interval) => {
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const [first, last] = [parameters.time(start), parameters.time(end)]
  const times = VisitSql.sources.map(
    ([table, time]) => `SELECT toUnixTimestamp64Milli(${time}) AS at FROM ${table}
      WHERE hosted_website_id = ${site} AND ${time} >= ${first} AND ${time} < ${last}`
  )
  return reader
    .read(
      `SELECT groupArray(hour) AS hours, groupArray(rows) AS counts, groupArray(hash) AS hashes FROM (
      SELECT intDiv(at, ${hourMillis}) AS hour, count() AS rows, groupBitXor(intHash32(at)) AS hash
      FROM (${times.join(" UNION ALL ")}) GROUP BY hour
    )`,
      parameters
    )
    .pipe(
      decodeRows(HourRows),
      Effect.map(
        ([{ counts, hashes, hours: numbers }]): Hours =>
          new Map(numbers.map((hour, index) => [hour, { rows: counts[index] ?? 0, hash: hashes[index] ?? 0 }]))
      )
    )
}

/** The signature of the hours from `first` to `last`, both included. */
export const signature = (byHour: Hours, first: number, last: number): Signature => {
  let [rows, mixed] = [0, 0]
  for (let hour = first; hour <= last; hour++) {
    const one = byHour.get(hour)
    if (one === undefined) continue
    rows += one.rows
    mixed ^= one.hash
  }
  return { rows, hash: mixed >>> 0 }
}

/** The hour before a day. The visits that begin on the day depend on rows from this hour on. */
export const firstHour = (day: number): number => day * 24 - 1

const DayRows = Schema.Array(
  Schema.Struct({ date: Schema.Int, last_hour: Schema.Int, row_count: Schema.Int, row_hash: Schema.Int })
)

/** The days of an interval, counted from 1970, whose stored visits a report may use. */
const usable = Effect.fnUntraced(function* (
  reader: Reader,
  hostedWebsiteId: string,
  interval: Interval
): Effect.fn.Return<ReadonlySet<number>, ClickHouseError> {
  const parameters = new Parameters()
  const condition = ofSite(parameters, parameters.uuid(hostedWebsiteId), interval)
  const days = yield* reader
    .read(
      `SELECT toUInt32(day) AS date, latest.1 AS last_hour, latest.2 AS row_count, latest.3 AS row_hash
      FROM (
        SELECT day, argMax((last_hour, row_count, row_hash, version), roll) AS latest FROM visit_day
        WHERE ${condition} GROUP BY day
      ) WHERE latest.4 = ${parameters.text(version)}`,
      parameters
    )
    .pipe(decodeRows(DayRows))
  if (days.length === 0) return new Set()
  const current = yield* hours(reader, hostedWebsiteId, {
    start: firstHour(Math.min(...days.map(({ date }) => date))) * hourMillis,
    end: (Math.max(...days.map(({ last_hour }) => last_hour)) + 1) * hourMillis
  })
  const isCurrent = ({ date, last_hour, row_count, row_hash }: (typeof days)[number]) => {
    const { hash, rows } = signature(current, firstHour(date), last_hour)
    return rows === row_count && hash === row_hash
  }
  return new Set(days.filter(isCurrent).map(({ date }) => date))
})

/** The condition that selects the days of a website that overlap an interval. */
const ofSite = (parameters: Parameters, site: string, { end, start }: Interval): string =>
  `hosted_website_id = ${site} AND day >= toDate(${parameters.time(start)}) AND day <= toDate(${parameters.time(end - 1)})`

/** Parts of an interval, in order. */
export interface Plan {
  readonly stored: ReadonlyArray<Interval>
  readonly raw: ReadonlyArray<Interval>
}

/** Maximum number of raw intervals. If there are more, one interval from the first to the last keeps the statement short. */
const maxIntervals = 8

/** The plan for an interval. `days` are the days whose stored visits may be used. */
export const planOf = ({ end, start }: Interval, days: ReadonlySet<number>): Plan => {
  const parts: { stored: Array<Interval>; raw: Array<Interval> } = { stored: [], raw: [] }
  for (let day = dayOf(start); day <= dayOf(end - 1); day++) {
    const part = { start: Math.max(start, day * dayMillis), end: Math.min(end, (day + 1) * dayMillis) }
    const list = days.has(day) ? parts.stored : parts.raw
    const last = list.at(-1)
    if (last?.end === part.start) list[list.length - 1] = { start: last.start, end: part.end }
    else list.push(part)
  }
  const [first, last] = [parts.raw[0], parts.raw.at(-1)]
  if (first === undefined || last === undefined || parts.raw.length <= maxIntervals) return parts
  const raw = { start: first.start, end: last.end }
  return { stored: parts.stored.filter((part) => part.end <= raw.start || part.start >= raw.end), raw: [raw] }
}

/** Splits an interval into parts whose visits are stored, and parts whose visits must be computed. */
export const plan = (
  reader: Reader,
  hostedWebsiteId: string,
  interval: Interval
): Effect.Effect<Plan, ClickHouseError> =>
  Effect.map(usable(reader, hostedWebsiteId, interval), (days) => planOf(interval, days))

/** A statement that selects `columns` of the stored visits that begin in the intervals `stored`. */
export const storedVisits = (
  parameters: Parameters,
  site: string,
  stored: readonly [Interval, ...ReadonlyArray<Interval>],
  columns: typeof VisitSql.columns
): string => {
  const conditions = stored.map(
    ({ end, start }) => `(started_at >= ${parameters.time(start)} AND started_at < ${parameters.time(end)})`
  )
  const [first, last] = [stored[0], stored.at(-1) ?? stored[0]]
  const days = ofSite(parameters, site, { start: first.start, end: last.end })
  return `SELECT ${columns.map(([name]) => name).join(", ")} FROM visit
    WHERE ${days} AND (${conditions.join(" OR ")})
      AND (day, roll) IN (SELECT day, max(roll) FROM visit_day WHERE ${days} GROUP BY day)`
}
