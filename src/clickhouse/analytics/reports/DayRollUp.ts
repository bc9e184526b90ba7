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
import { Clock, Effect, Schema } from "effect"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import { maxGap } from "../../../core/analytics/report/Visits.ts"
import { dayMillis, dayOf, hourMillis } from "../../../core/text/Calendar.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import { WritableSites } from "../../../services/sites/WritableSites.ts"
import { ClickHouse } from "../../ClickHouse.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as VisitDays from "./VisitDays.ts"
import * as VisitSql from "./VisitSql.ts"
import * as VisitsEnd from "./VisitsEnd.ts"

/** The approximate maximum number of rows per statement, unless one day has more. This bounds the server's memory. */
const maxRows = 300_000

/** Days since 1970, in order. */
interface Chunk {
  readonly days: ReadonlyArray<number>
}

/** Groups successive days into chunks of at most `maxRows` rows, or of one day. */
const chunksOf = (days: ReadonlyArray<number>, rowsOf: (day: number) => number): ReadonlyArray<Chunk> => {
  const chunks: Array<{ days: Array<number>; rows: number }> = []
  for (const day of days) {
    const last = chunks.at(-1)
    const rows = rowsOf(day)
    if (last !== undefined && last.days.at(-1) === day - 1 && last.rows + rows <= maxRows) {
      last.days.push(day)
      last.rows += rows
    } else chunks.push({ days: [day], rows })
  }
  return chunks
}

/** Maximum duration of the statement that stores visits, in seconds. The erasure of a website waits for it. */
const maxSeconds = 600

const randomBits = 20

/** The lowest number that a rollup run at this time can have, as the decimal digits of a 64-bit number. */
export const firstNumberOf = (time: number): string => String(BigInt(time) << BigInt(randomBits))

const numberOf = (now: number): string => String(BigInt(firstNumberOf(now)) + BigInt(randomInt(2 ** randomBits)))

const Ends = Schema.Array(Schema.Struct({ date: Schema.Int, ended: Schema.Finite }))

/** Stores the visits that begin on some days. `hours` were read before: if rows arrived since, the visits will not be used. */
const store = Effect.fnUntraced(function* (
  reader: Reader,
  hostedWebsiteId: string,
  { days }: Chunk,
  hours: VisitDays.Hours
) {
  const { command, insert } = yield* ClickHouse
  const interval = { start: (days[0] ?? 0) * dayMillis, end: ((days.at(-1) ?? 0) + 1) * dayMillis }
  const visitsEnd = yield* VisitsEnd.of(reader, hostedWebsiteId, interval)
  const roll = numberOf(yield* Clock.currentTimeMillis)
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const visits = VisitSql.visits(parameters, site, { ...interval, visitsEnd })
  const names = VisitSql.columns.map(([name]) => name).join(", ")
  yield* command(
    `INSERT INTO visit (hosted_website_id, day, roll, ${names})
      SELECT ${site}, toDate(started_at), ${parameters.number(roll)}, ${names} FROM (${visits})`,
    { parameters: parameters.values, settings: { distributed_foreground_insert: 1, max_execution_time: maxSeconds } }
  )
  const endParameters = new Parameters()
  const ends = yield* reader
    .read(
      `SELECT toUInt32(day) AS date, toUnixTimestamp64Milli(max(ended_at)) AS ended FROM visit
      WHERE hosted_website_id = ${endParameters.uuid(hostedWebsiteId)} AND roll = ${endParameters.number(roll)} GROUP BY day`,
      endParameters
    )
    .pipe(decodeRows(Ends))
  const endOf = new Map(ends.map(({ date, ended }) => [date, ended]))
  yield* insert({
    table: "visit_day",
    token: roll,
    columns: ["hosted_website_id", "day", "roll", "version", "last_hour", "row_count", "row_hash"],
    rows: days.map((day) => {
      // A row within half an hour after a visit would belong to it.
      const visitsEndHour = Math.floor(((endOf.get(day) ?? 0) + maxGap) / hourMillis)
      const lastHour = Math.max(day * 24 + 23, visitsEndHour)
      const { hash, rows } = VisitDays.signature(hours, VisitDays.firstHour(day), lastHour)
      return [hostedWebsiteId, day, roll, VisitDays.version, lastHour, rows, hash]
    })
  })
})

/** The delay after a day before it is rolled up: a visit may continue for half an hour, and a batch of rows may be late. */
const settleMillis = hourMillis

export interface Options {
  /** The days to roll up, or parts of them. */
  readonly interval: Interval
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
  hostedWebsiteId: string,
  { interval, isForced, minRows }: Options
) {
  const now = yield* Clock.currentTimeMillis
  const past = { start: interval.start, end: Math.min(interval.end, dayOf(now - settleMillis) * dayMillis) }
  if (past.end <= past.start) return 0
  const { raw } = isForced ? { raw: [past] } : yield* VisitDays.plan(reader, hostedWebsiteId, past)
  const [first] = raw
  if (first === undefined) return 0
  const hours = yield* VisitDays.hours(reader, hostedWebsiteId, {
    start: VisitDays.firstHour(dayOf(first.start)) * hourMillis,
    end: now + dayMillis
  })
  const rowsOf = (day: number) => VisitDays.signature(hours, day * 24, day * 24 + 23).rows
  const missing = raw.flatMap(({ end, start }) =>
    Array.from({ length: dayOf(end - 1) - dayOf(start) + 1 }, (_, index) => dayOf(start) + index)
  )
  if (missing.reduce((sum, day) => sum + rowsOf(day), 0) < minRows) return 0
  const chunks = chunksOf(missing, rowsOf)
  const { during } = yield* WritableSites
  yield* Effect.forEach(
    chunks,
    (chunk) =>
      during(new Set([hostedWebsiteId]), (writable) =>
        writable.has(hostedWebsiteId) ? store(reader, hostedWebsiteId, chunk, hours) : Effect.void
      ),
    { discard: true }
  )
  return missing.length
})
