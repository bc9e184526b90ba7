/**
 * Counts one report of many websites in two statements: one adds the sums of ended days, the other computes the visits of all other
 * days from rows.
 *
 * @module
 */
import { Effect } from "effect"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import type { Answer } from "../Answer.ts"
import * as Assembly from "../Assembly.ts"
import * as Counting from "../Counting.ts"
import * as Counts from "../Counts.ts"
import type * as DateRange from "../DateRange.ts"
import * as LocalTime from "../LocalTime.ts"
import type { Query } from "../Query.ts"
import type { SiteQuery } from "../Reports.ts"
import * as SiteCounting from "./Counting.ts"
import * as DimensionSql from "./DimensionSql.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as SumSql from "./SumSql.ts"
import * as VisitDays from "./VisitDays.ts"
import * as VisitSql from "./VisitSql.ts"

/** A website with at least so many page views and events that were read is rolled up. */
const manyRows = 1_000

/** Whether a query of a website can be counted together with those of others. */
export const isAdditive = (query: Query, hasGoals: boolean): boolean =>
  Counting.isAdditive(query) &&
  query.range.first !== null &&
  query.comparison === null &&
  !(hasGoals && Counting.plan(query).groups.conversions)

/** A statement that selects the websites and days whose sums are current, with the numbers of their rollup runs. */
const current = (parameters: Parameters, sites: string, timeZone: string, days: VisitSql.Days): string => {
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
          WHERE ${sites} AND day >= ${first} AND day <= ${last} AND version = ${parameters.text(VisitDays.versionOf(timeZone))}
        UNION ALL
        SELECT hosted_website_id, ${VisitDays.dateOfBucket(parameters, timeZone, days)} AS day, 0, toDateTime64(0, 3, 'UTC'), 0, 0,
          NOT is_lead, is_lead FROM late_row WHERE ${sites} AND bucket >= ${start} AND bucket < ${end}
      ) GROUP BY hosted_website_id, day
    ) WHERE number > 0 AND latest.2 = rows AND latest.3 = leads AND toDate(addMilliseconds(latest.1, ${offset})) > day`
}

/** The counts of the websites of queries that share their time zone and their days. Websites without visits have none. */
const countAlike = Effect.fnUntraced(function* (
  reader: Reader,
  queries: readonly [SiteQuery, ...ReadonlyArray<SiteQuery>],
  range: DateRange.Resolved
): Effect.fn.Return<ReadonlyMap<string, Counts.Counts>, ClickHouseError> {
  const { query } = queries[0]
  const { timeZone } = query
  const [firstDay, ...laterDays] = LocalTime.days(timeZone, range.first, range.last)
  if (firstDay === undefined) return new Map()
  const days: VisitSql.Days = [firstDay, ...laterDays]
  const offsets = LocalTime.offsets(timeZone, days)
  const execute = (make: (parameters: Parameters, sites: string, stored: string) => string) => {
    const parameters = new Parameters()
    const sites = `hosted_website_id IN ${parameters.uuids(queries.map(({ site }) => site.hostedWebsiteId))}`
    return reader.read(make(parameters, sites, current(parameters, sites, timeZone, days)), parameters).pipe(
      decodeRows(SiteCounting.Rows),
      Effect.map((rows) => rows.map(SiteCounting.toGroup))
    )
  }
  const { conversions, visitors } = Counting.plan(query).groups
  const ofSums = execute((parameters, sites, stored) =>
    SumSql.statementBySite(
      `${sites} AND day >= ${parameters.date(range.first)} AND day <= ${parameters.date(range.last)}
        AND (hosted_website_id, day, roll) IN (${stored})`
    )
  )
  const ofRows = execute((parameters, sites, stored) => {
    const dateOf = (time: string) =>
      `toDate(addMilliseconds(${time}, ${DimensionSql.localOffset(parameters, offsets, time)}))`
    return GroupSql.statement(
      {
        ...{ parameters, offsets, dimensions: [], filters: [], goals: [], until: undefined, bySite: true },
        ...{ visitors, conversions, revenue: false }
      },
      (columns) =>
        VisitSql.visits(
          parameters,
          (time) =>
            `${sites} AND (hosted_website_id, ${dateOf(time)}) NOT IN (SELECT hosted_website_id, day FROM (${stored}))`,
          days,
          [...columns, VisitSql.siteColumn]
        )
    )
  })
  // At the same time, because each reads which days are stored: a day that was stored between them would be missing in both.
  const [summed, computed] = yield* Effect.all([ofSums, ofRows], { concurrency: "unbounded" })
  for (const { counts, dimensions } of computed) {
    const [hostedWebsiteId = ""] = dimensions
    if (counts.events >= manyRows) reader.onUnstored({ hostedWebsiteId, timeZone }, [days])
  }
  return new Map(
    Counts.joinGroups([...summed, ...computed]).map(({ counts, dimensions }) => [dimensions[0] ?? "", counts])
  )
})

/**
 * The answers to queries for which `isAdditive` holds, by hosted website. Their metrics must be the same.
 */
export const answers = Effect.fnUntraced(function* (
  reader: Reader,
  queries: ReadonlyArray<SiteQuery>
): Effect.fn.Return<ReadonlyMap<string, Answer>, ClickHouseError> {
  const found = new Map<string, Answer>()
  const alike = Map.groupBy(queries, ({ query: { range, timeZone } }) => JSON.stringify([timeZone, range]))
  for (const [one, ...others] of alike.values()) {
    if (one === undefined) continue
    const { first, last } = one.query.range
    if (first === null) continue
    const counts = yield* countAlike(reader, [one, ...others], { first, last })
    for (const { query, site } of [one, ...others]) {
      const own = counts.get(site.hostedWebsiteId) ?? Counts.none
      const groups = { groups: [{ dimensions: [], counts: own }], divisors: null, total: null }
      found.set(site.hostedWebsiteId, Assembly.answer(query, Counting.counted(query, { first, last }, groups), null))
    }
  }
  return found
})
