/**
 * Stores the visits of past days, so that reports need not compute them from rows each time.
 *
 * Several processes may roll up at the same time, and any of them may be interrupted. Therefore visits carry the number of
 * their rollup run. Of the numbers that `visit_day` has for a day, the highest is the current one, and only its visits are
 * used. A number begins with the time of its rollup run.
 *
 * @module
 */
import { randomInt } from "node:crypto"
import { Array as Arr, Clock, Effect } from "effect"
import type { Day } from "../../../core/analytics/report/LocalTime.ts"
import { hourMillis } from "../../../core/text/Calendar.ts"
import { WritableSites } from "../../../services/sites/WritableSites.ts"
import { ClickHouse } from "../../ClickHouse.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as VisitDays from "./VisitDays.ts"
import * as VisitSql from "./VisitSql.ts"

/** The approximate maximum number of rows per statement, unless one day has more. This bounds the server's memory. */
const maxRows = 300_000

/** Groups successive days into chunks of at most `maxRows` rows, or of one day. */
const chunksOf = (days: ReadonlyArray<Day>, rowsOf: (day: Day) => number): ReadonlyArray<VisitSql.Days> => {
  const chunks: Array<{ days: [Day, ...Array<Day>]; rows: number }> = []
  for (const day of days) {
    const last = chunks.at(-1)
    const rows = rowsOf(day)
    if (last !== undefined && last.days.at(-1)?.end === day.start && last.rows + rows <= maxRows) {
      last.days.push(day)
      last.rows += rows
    } else chunks.push({ days: [day], rows })
  }
  return chunks.map((chunk) => chunk.days)
}

/** Maximum duration of the statement that stores visits, in seconds. The erasure of a website waits for it. */
const maxSeconds = 600

const randomBits = 20

/** The lowest number that a rollup run at this time can have, as the decimal digits of a 64-bit number. */
export const firstNumberOf = (time: number): string => String(BigInt(time) << BigInt(randomBits))

const numberOf = (now: number): string => String(BigInt(firstNumberOf(now)) + BigInt(randomInt(2 ** randomBits)))

/** Stores the visits of some days. `hours` were read before: if rows arrived since, the visits will not be used. */
const store = Effect.fnUntraced(function* (
  { hostedWebsiteId, timeZone }: VisitSql.ZonedSite,
  days: VisitSql.Days,
  hours: VisitDays.Hours
) {
  const { command, insert } = yield* ClickHouse
  const roll = numberOf(yield* Clock.currentTimeMillis)
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const visits = VisitSql.visits(parameters, site, days)
  const names = VisitSql.columns.map(([name]) => name).join(", ")
  const start = VisitSql.dayStart(parameters, days, "toUnixTimestamp64Milli(started_at)")
  const starts = parameters.integers(days.map((day) => day.start))
  const date = `(${parameters.dates(days.map((day) => day.date))})[indexOf(${starts}, ${start})]`
  yield* command(
    `INSERT INTO visit (hosted_website_id, day, roll, ${names})
      SELECT ${site}, ${date}, ${parameters.number(roll)}, ${names} FROM (${visits})`,
    { parameters: parameters.values, settings: { distributed_foreground_insert: 1, max_execution_time: maxSeconds } }
  )
  yield* insert({
    table: "visit_day",
    token: roll,
    columns: ["hosted_website_id", "day", "roll", "version", "row_count", "row_hash"],
    rows: days.map((day) => {
      const { hash, rows } = VisitDays.signatureOf(hours, day)
      return [hostedWebsiteId, day.date, roll, VisitDays.versionOf(timeZone), rows, hash]
    })
  })
})

/** The delay after a day before it is rolled up: a batch of rows may be late. */
const settleMillis = hourMillis

export interface Options {
  /** The days to roll up, in the website's time zone. */
  readonly days: ReadonlyArray<Day>
  /** Whether days whose stored visits are current are rolled up too. */
  readonly isForced: boolean
  /** Days with fewer rows in total are not rolled up, because reports compute their visits fast enough. */
  readonly minRows: number
}

/**
 * Rolls up the days of a website that have ended and whose stored visits are missing or not current; with `isForced`, all that
 * have ended. Returns the number of these days, or 0 if they have fewer than `minRows` rows. Stores nothing if the website is
 * being deleted.
 */
export const rollUp = Effect.fnUntraced(function* (
  reader: Reader,
  site: VisitSql.ZonedSite,
  { days, isForced, minRows }: Options
) {
  const { hostedWebsiteId, timeZone } = site
  const now = yield* Clock.currentTimeMillis
  const past = days.filter(({ end }) => end <= now - settleMillis)
  const missing = isForced ? past : (yield* VisitDays.plan(reader, hostedWebsiteId, timeZone, past)).raw.flat()
  if (!Arr.isReadonlyArrayNonEmpty(missing)) return 0
  const hours = yield* VisitDays.hours(reader, hostedWebsiteId, VisitDays.hoursAround(missing))
  const rowsOf = (day: Day) => VisitDays.signatureOf(hours, day).rows
  if (missing.reduce((sum, day) => sum + rowsOf(day), 0) < minRows) return 0
  const { during } = yield* WritableSites
  yield* Effect.forEach(
    chunksOf(missing, rowsOf),
    (chunk) =>
      during(new Set([hostedWebsiteId]), (writable) =>
        writable.has(hostedWebsiteId) ? store(site, chunk, hours) : Effect.void
      ),
    { discard: true }
  )
  return missing.length
})
