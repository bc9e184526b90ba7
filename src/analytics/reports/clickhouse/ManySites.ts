/**
 * Counts a query of many websites in two statements for each shape of it: one adds the sums of ended days, the other reads the
 * stored visits of such days if it needs them, and computes those of all other days from rows.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import * as Calendar from "../../../platform/text/Calendar.ts"
import * as Counting from "../Counting.ts"
import * as Counts from "../Counts.ts"
import type * as DateRange from "../DateRange.ts"
import * as Evaluate from "../Evaluate.ts"
import * as LocalTime from "../LocalTime.ts"
import type { Batch, Groups } from "../ManySites.ts"
import type { Query } from "../Query.ts"
import type { ReportSite } from "../Reports.ts"
import type { GoalRow } from "../Visits.ts"
import * as SiteCounting from "./Counting.ts"
import * as DimensionSql from "./DimensionSql.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as SumSql from "./SumSql.ts"
import * as VisitDays from "./VisitDays.ts"
import * as VisitSql from "./VisitSql.ts"

/** The groups of websites with the same goals; null if they are more than `limit`. */
const countAlike = Effect.fnUntraced(function* (
  reader: Reader,
  sites: ReadonlyArray<ReportSite>,
  query: Query,
  range: DateRange.Resolved,
  goals: ReadonlyArray<GoalRow>,
  limit: number
): Effect.fn.Return<ReadonlyMap<string, Groups> | null, ClickHouseError> {
  const { timeZone } = query
  const [firstDay, ...laterDays] = LocalTime.days(timeZone, range.first, range.last)
  if (firstDay === undefined) return new Map()
  const days: VisitSql.Days = [firstDay, ...laterDays]
  const offsets = LocalTime.offsets(timeZone, days)
  const execute = (make: (parameters: Parameters, sites: string, stored: string) => string) => {
    const parameters = new Parameters()
    const isOfSites = SiteCounting.ofSites(parameters, sites)
    const statement = make(parameters, isOfSites, VisitDays.complete(parameters, isOfSites, timeZone, days))
    return reader.read(`${statement} LIMIT ${limit + 1}`, parameters).pipe(
      decodeRows(SiteCounting.Rows),
      Effect.map((rows) => rows.map(SiteCounting.toGroup))
    )
  }
  const groupsOf = Effect.fnUntraced(function* (shape: Counting.Shape) {
    const reading = SumSql.reading(shape, goals)
    // Of the last day, only the visits up to a time may count.
    const summedDays = reading === null ? [] : range.until === undefined ? days : days.slice(0, -1)
    const visitDays = days.slice(summedDays.length)
    const stored = (parameters: Parameters, sites: string, of: ReadonlyArray<LocalTime.Day>, current: string) =>
      `${sites} AND day >= ${parameters.date(of[0]?.date ?? range.first)} AND day <= ${parameters.date(of.at(-1)?.date ?? range.last)}
        AND (hosted_website_id, day, roll) IN (${current})`
    const ofSums =
      reading === null || summedDays.length === 0
        ? Effect.succeed([])
        : execute((parameters, sites, current) =>
            SumSql.statement(shape, reading, stored(parameters, sites, summedDays, current), true)
          )
    const ofVisits = execute((parameters, sites, current) => {
      const dateOf = (time: string) =>
        `toDate(addMilliseconds(${time}, ${DimensionSql.localOffset(parameters, offsets, time)}))`
      return GroupSql.statement(
        { ...shape, parameters, offsets, goals, until: range.until, bySite: true },
        (columns) => {
          const selected = [...columns, VisitSql.siteColumn]
          return [
            ...(visitDays.length === 0
              ? []
              : [
                  `SELECT ${selected.map(([name]) => name).join(", ")}
                  FROM visit WHERE ${stored(parameters, sites, visitDays, current)}`
                ]),
            VisitSql.visits(
              parameters,
              (time) =>
                `${sites} AND (hosted_website_id, ${dateOf(time)}) NOT IN (SELECT hosted_website_id, day FROM (${current}))`,
              days,
              selected
            )
          ].join(" UNION ALL ")
        }
      )
    })
    // At the same time, because each reads which days are stored: a day that was stored between them would be missing in both.
    const [summed, counted] = yield* Effect.all([ofSums, ofVisits], { concurrency: "unbounded" })
    if (summed.length > limit || counted.length > limit) return null
    return [...summed, ...counted]
  })
  const { divisors, groups, total } = Counting.plan(query)
  const found = yield* Effect.forEach([groups, divisors, total], (shape) =>
    shape === null ? Effect.succeed([]) : groupsOf(shape)
  )
  const perShape: Array<ReadonlyMap<string, Array<Counts.Group>>> = []
  for (const one of found) {
    if (one === null) return null
    perShape.push(Map.groupBy(Counts.joinGroups(one), ({ dimensions }) => dimensions[0] ?? ""))
  }
  const own = (index: number, { hostedWebsiteId }: ReportSite) =>
    (perShape[index]?.get(hostedWebsiteId) ?? []).map(({ counts, dimensions }) => ({
      dimensions: dimensions.slice(1),
      counts
    }))
  return new Map(
    sites.map((site) => [
      site.hostedWebsiteId,
      {
        groups: own(0, site),
        divisors: divisors === null ? null : own(1, site),
        total: total === null ? null : own(2, site)
      }
    ])
  )
})

/** See `ManySites.Store.count`. `goalsOf` returns the goals of a website. */
export const count = Effect.fnUntraced(function* (
  reader: Reader,
  batch: Batch,
  range: DateRange.Resolved,
  goalsOf: (site: ReportSite) => ReadonlyArray<GoalRow>,
  limit = Counting.maxGroups
): Effect.fn.Return<ReadonlyMap<string, Groups> | null, ClickHouseError> {
  const [{ query }] = batch
  const found = new Map<string, Groups>()
  const sites = batch.map(({ site }) => site)
  const goalsKey = (site: ReportSite) =>
    JSON.stringify(goalsOf(site).map(({ kind, name, value }) => [kind, name, value]))
  for (const alike of Map.groupBy(sites, goalsKey).values()) {
    const [first] = alike
    if (first === undefined) continue
    const counted = yield* countAlike(reader, alike, query, range, goalsOf(first), limit)
    if (counted === null) return null
    for (const [id, groups] of counted) found.set(id, groups)
  }
  return found
})

const Lasts = Schema.Array(Schema.Struct({ id: Schema.String, last: Schema.Finite }))

/** The periods, in days, that are read in turn for the websites without a row so far: tables are sorted by day and not by time. */
const periods = [2, 60, Number.POSITIVE_INFINITY]

/** See `Reports.lastReceived`. */
export const lastReceived = Effect.fnUntraced(function* (
  reader: Reader,
  sites: ReadonlyArray<ReportSite>,
  now: number
): Effect.fn.Return<ReadonlyMap<string, number>, ClickHouseError> {
  const found = new Map<string, number>()
  for (const days of periods) {
    const rest = sites.filter(({ hostedWebsiteId }) => !found.has(hostedWebsiteId))
    if (rest.length === 0) break
    const parameters = new Parameters()
    const isSelected = `${SiteCounting.ofSites(parameters, rest)}
      AND received_at >= ${parameters.time(now - days * Calendar.dayMillis)}`
    const selects = ["page_view", "event"].map(
      (table) => `SELECT hosted_website_id, received_at FROM ${table} WHERE ${isSelected}`
    )
    const rows = yield* reader
      .read(
        `SELECT hosted_website_id AS id, toUnixTimestamp64Milli(max(received_at)) AS last
          FROM (${selects.join(" UNION ALL ")}) GROUP BY id`,
        parameters
      )
      .pipe(decodeRows(Lasts))
    for (const { id, last } of rows) found.set(id, last)
  }
  return found
})

/** Whether the answer to a query depends on goals. */
export const usesGoals = (query: Query): boolean => Counting.plan(query).groups.conversions || Evaluate.usesGoals(query)
