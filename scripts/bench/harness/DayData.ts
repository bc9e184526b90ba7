/**
 * A database with twelve months of one large and one small website, at a fixed date, so that it can be kept and used on any day.
 *
 * The page views of the last 30 days are stored and rolled up. The months before have only sums: those of these 30 days, again and
 * again, packed by the code that packs all sums. No query of the bench reads more of them.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import * as LocalTime from "../../../src/analytics/reports/LocalTime.ts"
import * as DayRollUp from "../../../src/analytics/reports/postgres/DayRollUp.ts"
import { Parameters } from "../../../src/analytics/reports/postgres/Parameters.ts"
import * as RollupRows from "../../../src/analytics/reports/postgres/RollupRows.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import * as Edge from "./Edge.ts"
import * as ReportData from "./ReportData.ts"
import * as TestBed from "./TestBed.ts"

/** The day of the measurements, in UTC like the websites. */
export const today = "2031-05-20"

export const dayMillis = 86_400_000

export const midnight = Date.parse(today)

/** The page views of the small website on a day. */
export const ofSmall = 500

/** The number of days whose page views are stored. */
const stored = 30

/** The days from the first of the month eleven months ago to yesterday. */
const days = LocalTime.days("UTC", "2030-06-01", LocalTime.addDays(today, -1))

/** The average number of page views of the large website on a day. */
export const perDay = (rows: number): number => rows / 365

export interface Sites {
  readonly large: DayRollUp.Site
  readonly small: DayRollUp.Site
}

export const sitesOf = (edge: Edge.Edge): Sites => ({
  large: { ...edge.site, timeZone: "UTC" },
  small: {
    hostedWebsiteId: ReportData.small.hostedWebsiteId,
    websiteConfigId: edge.site.websiteConfigId,
    timeZone: "UTC"
  }
})

/** The page views of a website in a part of a day, of which `count` come in a whole one, with pauses of some seconds. */
export const pageViews = (site: DayRollUp.Site, start: number, end: number, count: number, pause = 40): string =>
  ReportData.insertVisits({
    count: Math.ceil(((count / 3) * (end - start)) / dayMillis),
    site: `'${site.hostedWebsiteId}'::uuid`,
    visitor: `n + ${Math.round((start % dayMillis) / 1000) * 1000}`,
    start,
    end,
    pause
  })

/** Copies the sums of the stored days to the days before, one month after the other. */
const copySums = Effect.fnUntraced(function* (sql: PgClient.PgClient, site: DayRollUp.Site) {
  const recent = days.slice(-stored)
  const older = days.slice(0, -stored).map((day, index) => ({ day, source: recent[index % stored] ?? day }))
  for (const month of Map.groupBy(older, ({ day }) => LocalTime.monthOf(day.date)).values()) {
    const parameters = new Parameters()
    const id = parameters.uuid(site.hostedWebsiteId)
    const dates = (of: (pair: (typeof month)[number]) => LocalTime.Day) =>
      parameters.dates(month.map((pair) => of(pair).date))
    const groups = `SELECT ${id} AS hosted_website_id, dimension, target AS date, name, ${RollupRows.columns.join(", ")} FROM (
        SELECT dimension, ${RollupRows.dates}, ${RollupRows.elements(RollupRows.columns)} FROM rollup
        WHERE hosted_website_id = ${id} AND NOT is_month
      ) AS each JOIN unnest(${dates(({ source }) => source)}, ${dates(({ day }) => day)}) AS pair (source, target) ON date = source`
    const range = { first: month[0]?.day.date ?? "", last: month.at(-1)?.day.date ?? "" }
    yield* sql.unsafe(RollupRows.replaceDays(parameters, [site.hostedWebsiteId], range, groups), parameters.values)
    const times = (of: (day: LocalTime.Day) => number) => Database.timestamps(month.map(({ day }) => of(day)))
    yield* sql.unsafe(
      `INSERT INTO rollup_day (hosted_website_id, day, starts_at, ends_at, goals)
        SELECT $1, day, starts_at, ends_at, (SELECT max(goals) FROM rollup_day WHERE hosted_website_id = $1)
        FROM unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) AS given (day, starts_at, ends_at)`,
      [
        PgTypes.uuid(site.hostedWebsiteId),
        Database.dates(month.map(({ day }) => day.date)),
        times(({ start }) => start),
        times(({ end }) => end)
      ]
    )
    console.error(`day: sums of ${range.first} to ${range.last}`)
  }
})

/** Rolls up the stored days, and copies their sums. */
const rollUp = Effect.fnUntraced(function* (sql: PgClient.PgClient, site: DayRollUp.Site) {
  const sites = DayRollUp.only(site)
  yield* DayRollUp.deleteOutdated(sql, sites)
  for (const day of days.slice(-stored)) yield* DayRollUp.rollDays(sql, sites, [day], false)
  console.error("day: rolled up")
  yield* copySums(sql, site)
  const months = [...new Set([...days.map(({ date }) => LocalTime.monthOf(date))])]
  yield* DayRollUp.rollMonths(sql, sites, months, days)
  yield* sql`UPDATE rollup_site SET rolled_before = ${PgTypes.date(today)}
    WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}`
})

/** A copy of a prepared database with these page views and sums, or the one that an earlier run kept. */
export const fill = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, rows: number) {
  const database = `bench_day_${rows}`
  if (yield* TestBed.hasDatabase(testBed, database)) {
    const full: Edge.Edge = { ...edge, database, site: yield* ReportData.keptSite(testBed, database) }
    yield* Edge.command(testBed, full.root, database, ["migrate"])
    console.error(`day: using the page views that an earlier run kept in ${database}`)
    return full
  }
  const draft = `${database}_new`
  yield* TestBed.dropDatabases(testBed, [draft])
  const full = yield* Edge.copy(testBed, edge, draft)
  const sites = sitesOf(full)
  yield* TestBed.runStatements(testBed, draft, [
    ReportData.addWebsites(1),
    ...ReportData.months(midnight).map(ReportData.partition),
    "SET session_replication_role = replica",
    ...days
      .slice(-stored)
      .flatMap(({ end, start }) => [
        pageViews(sites.large, start, end, perDay(rows)),
        pageViews(sites.small, start, end, ofSmall)
      ]),
    "VACUUM (ANALYZE) page_view"
  ])
  console.error("day: page views inserted")
  yield* TestBed.onDatabase(testBed, draft, (sql) =>
    Effect.forEach([sites.large, sites.small], (site) =>
      rollUp(sql, site).pipe(Effect.mapError((error) => new Error(`${error._tag}: ${error.message}`)))
    )
  )
  yield* TestBed.runStatements(testBed, draft, ["VACUUM (ANALYZE) visit, rollup"])
  yield* TestBed.runStatements(testBed, "postgres", [`ALTER DATABASE ${draft} RENAME TO ${database}`])
  return { ...full, database }
})
