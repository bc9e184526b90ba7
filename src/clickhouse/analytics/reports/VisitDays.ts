/**
 * Decides for which days a report reads visits from the table `visit`, and for which it computes them from rows.
 *
 * The stored visits of a day are used only while the rows that they were computed from are unchanged. A change is detected by
 * the number of rows and a hash of their times, hour by hour. Late rows and deletions change these. An update of other columns
 * does not, so an operator must run `report rebuild` after such an update.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Array as Arr, Effect, Schema } from "effect"
import type { Day } from "../../../core/analytics/report/LocalTime.ts"
import type { LocalDate } from "../../../core/analytics/report/Query.ts"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import { hourMillis } from "../../../core/text/Calendar.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import type { ClickHouseError } from "../../Errors.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as VisitSql from "./VisitSql.ts"

const sql = VisitSql.visits(new Parameters(), "site", [{ date: "1970-01-01", start: 0, end: 1 }])

/** Identifies the SQL that computes visits, including the channel rules, and the days. Visits of another version are not used. */
export const versionOf = (timeZone: string): string => hash("sha256", `${timeZone} ${sql}`).slice(0, 16)

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

/** The first and the last hour of a day, which may begin within an hour of UTC. */
export const hoursOf = ({ end, start }: Day): readonly [first: number, last: number] => [
  Math.floor(start / hourMillis),
  Math.ceil(end / hourMillis) - 1
]

/** The signature of a day's rows, and possibly of some rows of the hours in which it begins and ends. */
export const signatureOf = (byHour: Hours, day: Day): Signature => signature(byHour, ...hoursOf(day))

/** The interval of whole hours that covers some days. */
export const hoursAround = (days: VisitSql.Days): Interval => ({
  start: hoursOf(days[0])[0] * hourMillis,
  end: (hoursOf(days.at(-1) ?? days[0])[1] + 1) * hourMillis
})

const DayRows = Schema.Array(Schema.Struct({ date: Schema.String, row_count: Schema.Int, row_hash: Schema.Int }))

/** The condition that selects some successive days of a website. */
const ofSite = (parameters: Parameters, site: string, days: VisitSql.Days): string =>
  `hosted_website_id = ${site} AND day >= ${parameters.date(days[0].date)} AND day <= ${parameters.date((days.at(-1) ?? days[0]).date)}`

/** Those of some days in a time zone whose stored visits a report may use. */
const usable = Effect.fnUntraced(function* (
  reader: Reader,
  hostedWebsiteId: string,
  timeZone: string,
  days: VisitSql.Days
): Effect.fn.Return<ReadonlySet<LocalDate>, ClickHouseError> {
  const parameters = new Parameters()
  const condition = ofSite(parameters, parameters.uuid(hostedWebsiteId), days)
  const stored = yield* reader
    .read(
      `SELECT toString(day) AS date, latest.1 AS row_count, latest.2 AS row_hash
      FROM (
        SELECT day, argMax((row_count, row_hash, version), roll) AS latest FROM visit_day
        WHERE ${condition} GROUP BY day
      ) WHERE latest.3 = ${parameters.text(versionOf(timeZone))}`,
      parameters
    )
    .pipe(decodeRows(DayRows))
  const signatures = new Map(stored.map(({ date, row_count, row_hash }) => [date, { rows: row_count, hash: row_hash }]))
  const known = days.filter(({ date }) => signatures.has(date))
  if (!Arr.isReadonlyArrayNonEmpty(known)) return new Set()
  const byHour = yield* hours(reader, hostedWebsiteId, hoursAround(known))
  const isCurrent = (day: Day) => {
    const [current, before] = [signatureOf(byHour, day), signatures.get(day.date)]
    return current.rows === before?.rows && current.hash === before.hash
  }
  return new Set(known.filter(isCurrent).map(({ date }) => date))
})

/** Parts of a range of days, in order. */
export interface Plan {
  readonly stored: ReadonlyArray<VisitSql.Days>
  readonly raw: ReadonlyArray<VisitSql.Days>
}

/** Maximum number of raw parts. If there are more, one part from the first to the last keeps the statement short. */
const maxParts = 8

/** Splits days where a condition changes. */
const runsOf = (days: ReadonlyArray<Day>, holds: (day: Day) => boolean): ReadonlyArray<VisitSql.Days> =>
  Arr.isReadonlyArrayNonEmpty(days)
    ? Arr.chop(days, (rest) => {
        const isHeld = holds(rest[0])
        const [others, later] = Arr.span(rest.slice(1), (day) => holds(day) === isHeld)
        return [[rest[0], ...others] as const, later]
      })
    : []

/** The plan for successive days. `usableDates` are those of the days whose stored visits may be used. */
export const planOf = (days: ReadonlyArray<Day>, usableDates: ReadonlySet<LocalDate>): Plan => {
  const stored: Array<VisitSql.Days> = []
  const raw: Array<VisitSql.Days> = []
  for (const run of runsOf(days, ({ date }) => usableDates.has(date))) {
    if (usableDates.has(run[0].date)) stored.push(run)
    else raw.push(run)
  }
  const [first, last] = [raw[0]?.[0], raw.at(-1)?.at(-1)]
  if (first === undefined || last === undefined || raw.length <= maxParts) return { stored, raw }
  const all = days.filter(({ date }) => date >= first.date && date <= last.date)
  return {
    stored: stored.filter(([{ date }]) => date < first.date || date > last.date),
    raw: Arr.isReadonlyArrayNonEmpty(all) ? [all] : []
  }
}

/** Splits successive days in a time zone into parts whose visits are stored, and parts whose visits must be computed. */
export const plan = (
  reader: Reader,
  hostedWebsiteId: string,
  timeZone: string,
  days: ReadonlyArray<Day>
): Effect.Effect<Plan, ClickHouseError> =>
  Arr.isReadonlyArrayNonEmpty(days)
    ? Effect.map(usable(reader, hostedWebsiteId, timeZone, days), (dates) => planOf(days, dates))
    : Effect.succeed({ stored: [], raw: [] })

/** A statement that selects `columns` of the stored visits of some days. */
export const storedVisits = (
  parameters: Parameters,
  site: string,
  stored: readonly [VisitSql.Days, ...ReadonlyArray<VisitSql.Days>],
  columns: typeof VisitSql.columns
): string => {
  const parts = stored.map((days) => `(${ofSite(parameters, site, days)})`)
  const [first, last] = [stored[0][0], (stored.at(-1) ?? stored[0]).at(-1) ?? stored[0][0]]
  const all = ofSite(parameters, site, [first, last])
  return `SELECT ${columns.map(([name]) => name).join(", ")} FROM visit
    WHERE ${all} AND (${parts.join(" OR ")})
      AND (day, roll) IN (SELECT day, max(roll) FROM visit_day WHERE ${all} GROUP BY day)`
}
