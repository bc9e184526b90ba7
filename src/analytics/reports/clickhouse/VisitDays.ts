/**
 * Decides for which days a report reads stored visits, and which visits it computes from rows.
 *
 * A rollup run stores the visits of a day, computed from the rows before a time `until`: the end of the day, or an earlier time if
 * the day goes on. A report of that day computes only the visits of the session keys that have rows since then.
 *
 * A late row, one that is stored over a minute after it was received, could be missing in stored visits. The database counts such
 * rows in `late_row`, and stored visits are used only while their day has as many as before they were computed. Deletions and
 * updates are not noticed: run `report rebuild` after one.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Array as Arr, Effect, Schema } from "effect"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import type { Day } from "../LocalTime.ts"
import * as LocalTime from "../LocalTime.ts"
import type { LocalDate } from "../Query.ts"
import * as DimensionSql from "./DimensionSql.ts"
import * as FewVisits from "./FewVisits.ts"
import { Parameters } from "./Parameters.ts"
import type { ComputedVisits, Reader } from "./Reader.ts"
import * as SumSql from "./SumSql.ts"
import * as VisitSql from "./VisitSql.ts"

/** The delay after which a row counts as late is a minute. Visits are computed from rows that are older than this. */
export const settleMillis = 3 * 60_000

const sql = `${VisitSql.visits(new Parameters(), VisitSql.ofSite("site"), [{ date: "1970-01-01", start: 0, end: 1 }])} ${SumSql.template}`

/** Identifies the SQL that computes visits and sums, including the channel rules, and the days. Visits of another version are not used. */
export const versionOf = (timeZone: string): string => hash("sha256", `${timeZone} ${sql}`).slice(0, 16)

/** The numbers of batches with late rows of a day: with page views or events, and with conversions. */
export interface Late {
  readonly rows: number
  readonly leads: number
}

/** The condition that selects the late rows of some days. */
const lateOf = (parameters: Parameters, site: string, days: VisitSql.Days): string =>
  `hosted_website_id = ${site} AND bucket >= ${parameters.time(days[0].start)} AND bucket < ${parameters.time(VisitSql.endOf(days))}`

/** The local date of a quarter of an hour: no clock change and no midnight is within one. */
export const dateOfBucket = (parameters: Parameters, timeZone: string, days: VisitSql.Days): string =>
  `toDate(addMilliseconds(toDateTime64(bucket, 3, 'UTC'), ${DimensionSql.localOffset(parameters, LocalTime.offsets(timeZone, days), "bucket")}))`

const noLate: Late = { rows: 0, leads: 0 }

/** A rollup run of a day, or, with an empty `roll`, the late rows of a day. */
const DayRows = Schema.Array(
  Schema.Struct({
    date: Schema.String,
    roll: Schema.String.check(Schema.isPattern(/^[0-9]*$/)),
    until: Schema.Finite,
    rows: Schema.Int,
    leads: Schema.Int
  })
)

const isLate = ({ roll }: (typeof DayRows.Type)[number]): boolean => roll === ""

/** A statement that selects the late rows of some days. Days without any are missing. */
const lateRows = (parameters: Parameters, site: string, timeZone: string, days: VisitSql.Days): string =>
  `SELECT toString(${dateOfBucket(parameters, timeZone, days)}) AS date, '' AS roll, toInt64(0) AS until,
      countIf(NOT is_lead) AS rows, countIf(is_lead) AS leads
    FROM late_row WHERE ${lateOf(parameters, site, days)} GROUP BY date`

const SiteLate = Schema.Array(
  Schema.Struct({ site: Schema.String, date: Schema.String, rows: Schema.Int, leads: Schema.Int })
)

/** The late rows of websites on some days in a time zone. */
export const late = Effect.fnUntraced(function* (
  reader: Reader,
  hostedWebsiteIds: ReadonlyArray<string>,
  timeZone: string,
  days: VisitSql.Days
): Effect.fn.Return<(hostedWebsiteId: string, date: LocalDate) => Late, ClickHouseError> {
  const parameters = new Parameters()
  const found = yield* reader
    .read(
      `SELECT hosted_website_id AS site, toString(${dateOfBucket(parameters, timeZone, days)}) AS date,
          countIf(NOT is_lead) AS rows, countIf(is_lead) AS leads
        FROM late_row WHERE hosted_website_id IN ${parameters.uuids(hostedWebsiteIds)}
          AND bucket >= ${parameters.time(days[0].start)} AND bucket < ${parameters.time(VisitSql.endOf(days))}
        GROUP BY site, date`,
      parameters
    )
    .pipe(decodeRows(SiteLate))
  const counts = new Map(found.map((row) => [`${row.site} ${row.date}`, row]))
  return (site, date) => counts.get(`${site} ${date}`) ?? noLate
})

/** The visits that a rollup run stored of a day. */
export interface Stored extends VisitSql.OpenDay {
  /** The number of the run. */
  readonly roll: string
}

/** The condition that selects some successive days of a website. */
const ofSite = (parameters: Parameters, site: string, days: VisitSql.Days): string =>
  `hosted_website_id = ${site} AND day >= ${parameters.date(days[0].date)} AND day <= ${parameters.date((days.at(-1) ?? days[0]).date)}`

/**
 * The stored visits of some days in a time zone that a report may use. The server joins nothing: it takes twice as long to analyze
 * a statement that compares the runs with the late rows.
 */
const usable = Effect.fnUntraced(function* (
  reader: Reader,
  hostedWebsiteId: string,
  timeZone: string,
  days: VisitSql.Days
): Effect.fn.Return<ReadonlyMap<LocalDate, Omit<Stored, "day">>, ClickHouseError> {
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const found = yield* reader
    .read(
      `SELECT toString(day) AS date, toString(max(visit_run.roll)) AS roll, toUnixTimestamp64Milli(argMax(visit_run.until, visit_run.roll)) AS until,
          argMax(late_rows, visit_run.roll) AS rows, argMax(late_leads, visit_run.roll) AS leads
        FROM visit_run WHERE ${ofSite(parameters, site, days)} AND version = ${parameters.text(versionOf(timeZone))} GROUP BY day
      UNION ALL ${lateRows(parameters, site, timeZone, days)}`,
      parameters
    )
    .pipe(decodeRows(DayRows))
  const late = new Map(found.filter(isLate).map((row) => [row.date, row]))
  return new Map(
    found.flatMap((run) => {
      const { leads, rows } = late.get(run.date) ?? noLate
      if (isLate(run) || run.rows !== rows) return []
      return [[run.date, { roll: run.roll, until: run.until, hasNewLeads: run.leads !== leads }]]
    })
  )
})

/** A statement that selects the websites and ended days of which all visits are stored, with the numbers of the rollup runs. */
export const complete = (parameters: Parameters, sites: string, timeZone: string, days: VisitSql.Days): string => {
  const [first, last] = [days[0].date, (days.at(-1) ?? days[0]).date].map((date) => parameters.date(date))
  const [start, end] = [parameters.time(days[0].start), parameters.time(VisitSql.endOf(days))]
  const after = LocalTime.addDays((days.at(-1) ?? days[0]).date, 1)
  const offsets = LocalTime.offsets(timeZone, [...days, ...LocalTime.days(timeZone, after, after)])
  const offset = DimensionSql.localOffset(parameters, offsets, "latest.1")
  return `SELECT hosted_website_id, day, number AS roll FROM (
      SELECT hosted_website_id, day, max(roll) AS number, argMax((until, late_rows, late_leads), roll) AS latest,
        sum(of_rows) AS rows, sum(of_leads) AS leads
      FROM (
        SELECT hosted_website_id, day, roll, until, late_rows, late_leads, 0 AS of_rows, 0 AS of_leads FROM visit_run
          WHERE ${sites} AND day >= ${first} AND day <= ${last} AND version = ${parameters.text(versionOf(timeZone))}
        UNION ALL
        SELECT hosted_website_id, ${dateOfBucket(parameters, timeZone, days)} AS day, 0, toDateTime64(0, 3, 'UTC'), 0, 0,
          NOT is_lead, is_lead FROM late_row WHERE ${sites} AND bucket >= ${start} AND bucket < ${end}
      ) GROUP BY hosted_website_id, day
    ) WHERE number > 0 AND latest.2 = rows AND latest.3 = leads AND toDate(addMilliseconds(latest.1, ${offset})) > day`
}

/** The parts of a range of days, each in order. */
export interface Plan {
  /** Days whose visits are stored. */
  readonly stored: ReadonlyArray<Stored>
  /** Days that go on, or that have new conversions: some of their visits are stored. */
  readonly open: ReadonlyArray<Stored>
  /** All other days. */
  readonly raw: ReadonlyArray<VisitSql.Days>
}

/** Maximum number of raw parts. If there are more, one part from the first to the last keeps the statement short. */
const maxParts = 8

/** The successive days for which a condition holds. */
const runsOf = (days: ReadonlyArray<Day>, holds: (day: Day) => boolean): ReadonlyArray<VisitSql.Days> => {
  const runs = Arr.isReadonlyArrayNonEmpty(days)
    ? Arr.chop(days, (rest): [VisitSql.Days, ReadonlyArray<Day>] => {
        const isHeld = holds(rest[0])
        const [others, later] = Arr.span(rest.slice(1), (day) => holds(day) === isHeld)
        return [[rest[0], ...others], later]
      })
    : []
  return runs.filter(([day]) => holds(day))
}

/** The plan for successive days. `found` has those of the days whose stored visits may be used. */
const planOf = (
  days: ReadonlyArray<Day>,
  found: ReadonlyMap<LocalDate, Omit<Stored, "day">>,
  withLeads: boolean
): Plan => {
  const raw = runsOf(days, ({ date }) => !found.has(date))
  const [first, last] = [raw[0]?.[0], raw.at(-1)?.at(-1)]
  const isJoined = (day: Day) =>
    raw.length > maxParts &&
    first !== undefined &&
    last !== undefined &&
    day.date >= first.date &&
    day.date <= last.date
  const [stored, open]: [Array<Stored>, Array<Stored>] = [[], []]
  for (const day of days) {
    const one = found.get(day.date)
    if (one === undefined || isJoined(day)) continue
    const hasNewLeads = withLeads && one.hasNewLeads
    const isComplete = one.until >= day.end && !hasNewLeads
    ;(isComplete ? stored : open).push({ day, roll: one.roll, until: Math.min(one.until, day.end), hasNewLeads })
  }
  return { stored, open, raw: raw.length > maxParts ? runsOf(days, isJoined) : raw }
}

/**
 * Splits successive days in a time zone into parts whose visits are stored, and parts whose visits must be computed. Conversions
 * that stored visits may lack matter only `withLeads`.
 */
export const plan = (
  reader: Reader,
  hostedWebsiteId: string,
  timeZone: string,
  days: ReadonlyArray<Day>,
  withLeads = true
): Effect.Effect<Plan, ClickHouseError> =>
  Arr.isReadonlyArrayNonEmpty(days)
    ? Effect.map(usable(reader, hostedWebsiteId, timeZone, days), (found) => planOf(days, found, withLeads))
    : Effect.succeed({ stored: [], open: [], raw: [] })

/**
 * The condition that selects the rows of `visit` or `visit_sum` of some days, oldest first. The runs are an array by day: a
 * subquery that reads them again takes the server longer.
 */
export const current = (
  parameters: Parameters,
  site: string,
  stored: readonly [Stored, ...ReadonlyArray<Stored>]
): string => {
  const [first, last] = [stored[0].day, (stored.at(-1) ?? stored[0]).day]
  const rolls = Array.from({ length: LocalTime.countDays(first.date, last.date) }, () => "0")
  for (const { day, roll } of stored) rolls[LocalTime.countDays(first.date, day.date) - 1] = roll
  const from = parameters.date(first.date)
  return `hosted_website_id = ${site} AND day >= ${from} AND day <= ${parameters.date(last.date)}
    AND roll = [${rolls.join(", ")}]::Array(UInt64)[day - ${from} + 1]`
}

/**
 * A statement that selects `columns` of the visits in the parts of a plan, which is not empty. `few` has the visits of the days
 * that go on; if it is null, the statement computes them, and those of the raw parts.
 */
export const visits = (
  parameters: Parameters,
  site: string,
  { open, raw, stored }: Plan,
  few: ComputedVisits | null,
  columns: typeof VisitSql.columns
): string => {
  const names = columns.map(([name]) => name).join(", ")
  // An array, which takes the server less time than a subquery.
  const unchanged =
    few === null || few.keys.length === 0
      ? ""
      : `AND key_hash NOT IN arrayMap(key -> sipHash128(key), ${parameters.texts(few.keys)})`
  return [
    ...(Arr.isReadonlyArrayNonEmpty(stored)
      ? [`SELECT ${names} FROM visit WHERE ${current(parameters, site, stored)}`]
      : []),
    ...open.flatMap((open) => {
      const ofDay = `SELECT ${names} FROM visit WHERE hosted_website_id = ${site} AND day = ${parameters.date(open.day.date)}
        AND roll = ${parameters.number(open.roll)}`
      if (few !== null) return [`${ofDay} ${unchanged}`]
      const keys = VisitSql.rowsSince(parameters, site, open)
        .map(({ from, table }) => `SELECT ${VisitSql.sources[table].key} AS key ${from}`)
        .join(" UNION ALL ")
      return [
        `${ofDay} AND key_hash NOT IN (SELECT sipHash128(key) FROM (${keys}))`,
        VisitSql.visits(parameters, VisitSql.ofSite(site), [open.day], columns, keys)
      ]
    }),
    ...(few === null ? raw.map((part) => VisitSql.visits(parameters, VisitSql.ofSite(site), part, columns)) : []),
    ...(few !== null && Arr.isReadonlyArrayNonEmpty(few.open)
      ? [FewVisits.statement(parameters, few.open, columns)]
      : [])
  ].join(" UNION ALL ")
}
