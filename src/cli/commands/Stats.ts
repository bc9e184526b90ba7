/**
 * `stats`: the statistics of websites.
 *
 * - For one website: an overview with the uncounted requests by reason, or with `--format csv` a row per day.
 * - With `--all-sites`: a row per website.
 * - With `--by`: the groups of each website.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option } from "effect"
import { Command } from "effect/cli"
import type { Answer } from "../../analytics/reports/Answer.ts"
import { definitions } from "../../analytics/reports/Assembly.ts"
import * as DateRange from "../../analytics/reports/DateRange.ts"
import { limits, type Metric } from "../../analytics/reports/Query.ts"
import type { QueryBody } from "../../analytics/reports/QueryBody.ts"
import { dateOf } from "../../platform/text/Calendar.ts"
import * as Client from "../client/Client.ts"
import * as Websites from "../client/Websites.ts"
import * as Operator from "../operator/Operator.ts"
import * as Output from "../support/Output.ts"
import * as StatsInputs from "../support/StatsInputs.ts"
import * as StatsOverview from "../support/StatsOverview.ts"
import * as StatsText from "../support/StatsText.ts"

/** The metrics of a query by dimensions other than goals and events. */
const grouped: ReadonlyArray<Metric> = [
  "visitors",
  "visits",
  "pageviews",
  "bounce_rate",
  "visit_duration",
  "conversions"
]

const groupedByGoal: ReadonlyArray<Metric> = ["visitors", "conversions", "conversion_rate", "total_revenue"]

const groupedByEvent: ReadonlyArray<Metric> = ["visitors", "visits", "events", "total_revenue"]

/** The most useful metrics for groups by these dimensions. */
const metricsBy = (dimensions: ReadonlyArray<string>): ReadonlyArray<Metric> => {
  if (dimensions.includes("event:goal")) return groupedByGoal
  const isByEvent = dimensions.some((dimension) => dimension === "event:name" || dimension.startsWith("event:props:"))
  return isByEvent ? groupedByEvent : grouped
}

const maxRows = limits.rows

/** One more row than a list shows, since the list omits the group without a value. */
const withUnset = (limit: number): number => Math.min(limit + 1, maxRows)

/** The website in the query that is sent for every website. No time zone has a later date. */
const everySite: StatsInputs.Site = {
  site_id: "00000000-0000-4000-8000-000000000000",
  time_zone: "Pacific/Kiritimati"
}

/** Sends a query. A report of too many groups is refused; `--by` makes the groups. */
const run = (query: QueryBody) =>
  Client.owner(
    "reports",
    { notFound: Output.notFound("website", query.site_id), flags: { dimensions: "by" } },
    (reports) => reports.query({ payload: query })
  )

const overview = Effect.fnUntraced(function* (flags: StatsInputs.Flags, site: StatsOverview.Site) {
  const now = yield* Clock.currentTimeMillis
  const makeQuery = yield* StatsInputs.queryMaker(flags, site, now)
  const select = (selection: StatsInputs.Selection) => Effect.flatMap(makeQuery(selection), run)
  const totals = yield* select({ metrics: StatsOverview.totalMetrics, dimensions: [], limit: 1 })
  const days = yield* select({ metrics: ["pageviews", "visitors"], dimensions: ["time:day"], limit: maxRows })
  const lists = yield* Effect.forEach(StatsOverview.lists, (list) =>
    Effect.map(
      select({ metrics: list.metrics, dimensions: [list.dimension], limit: withUnset(flags.limit) }),
      (answer) => [list, answer] as const
    )
  )
  const [from, last] = totals.query.date_range
  // The counts are of UTC days, and today's UTC date may differ from that in the website's time zone.
  const isToday = last === DateRange.today({ now, timeZone: site.time_zone })
  const utcToday = dateOf(now)
  const to = isToday && utcToday > last ? utcToday : last
  const { reasons } = yield* Client.owner(
    "reports",
    { notFound: Output.notFound("website", site.site_id) },
    (reports) => reports.notCounted({ params: { site_id: site.site_id }, query: { from, to } })
  )
  return { site, limit: flags.limit, totals, days, lists, notCounted: reasons } satisfies StatsOverview.Overview
})

/** The reports of all websites, oldest website first. Of a running service, of those that the key reaches. */
const ofAllSites = Effect.fnUntraced(function* (
  flags: StatsInputs.Flags,
  selection: StatsInputs.Selection,
  now: number
) {
  const queryOf = (site: StatsInputs.Site) =>
    Effect.flatMap(StatsInputs.queryMaker(flags, site, now), (make) => make(selection))
  const { url } = yield* Client.Client
  if (url === null) {
    const query = yield* queryOf(everySite)
    return yield* Client.operator(Operator.reports, { flags: { dimensions: "by" } }, (reports) =>
      reports.queryAll(query, StatsInputs.untilToday(flags))
    )
  }
  return yield* Effect.forEach(yield* Websites.every, (site) =>
    Effect.map(Effect.flatMap(queryOf(site), run), (report) => ({ name: site.name, report }))
  )
})

/** The definitions are the same for all websites. */
const jsonOfAll = (reports: ReadonlyArray<{ readonly name: string; readonly report: Answer }>) => ({
  definitions,
  reports: reports.map(({ name, report }) => {
    const { definitions: _, ...meta } = report.meta
    return { name, report: { ...report, meta } }
  })
})

const ofSite = Effect.fnUntraced(function* (
  flags: StatsInputs.Flags,
  selection: StatsInputs.Selection,
  now: number,
  site: StatsOverview.Site
) {
  const makeQuery = yield* StatsInputs.queryMaker(flags, site, now)
  return [{ name: site.name, report: yield* Effect.flatMap(makeQuery(selection), run) }]
})

const stats = Command.make(
  "stats",
  StatsInputs.flags,
  Effect.fnUntraced(function* ({ format, ...flags }) {
    const isCsv = format === "csv"
    if ((yield* Output.Json) && isCsv) return yield* Output.jsonOrCsv
    const site = yield* StatsInputs.siteOf(flags)
    const isGrouped = flags.by.length > 0
    if (site !== null && !isGrouped && !isCsv) {
      const data = yield* overview(flags, site)
      const width = yield* Output.lineWidth
      return yield* Output.answer({ json: StatsOverview.json(data), text: StatsOverview.text(data, width) })
    }
    const now = yield* Clock.currentTimeMillis
    // Without `--by`, the CSV of one website has a row per day, and `--all-sites` has a row per website.
    const dimensions = isGrouped ? flags.by : site === null ? [] : ["time:day"]
    const metrics = metricsBy(dimensions)
    const selection = { metrics, dimensions, limit: isGrouped ? flags.limit : maxRows }
    const reports =
      site === null ? yield* ofAllSites(flags, selection, now) : yield* ofSite(flags, selection, now, site)
    const makeRows = () =>
      reports.flatMap(({ name, report }) =>
        StatsText.rowsOf(site === null ? { websiteConfigId: report.query.site_id, name } : null, report)
      )
    if (isCsv) {
      const options = { dimensions, metrics, isNamed: site === null, isCompared: Option.isSome(flags.compare) }
      return yield* Output.write(StatsText.csv(options, makeRows()))
    }
    const [first] = reports
    if (first === undefined) {
      return yield* Output.answer({
        json: jsonOfAll([]),
        text: "There are no websites. `hydracore site create` creates one.\n"
      })
    }
    const { meta, query } = first.report
    const width = yield* Output.lineWidth
    yield* Output.answer({
      json: site === null ? jsonOfAll(reports) : first.report,
      text: () => {
        const rows = makeRows()
        const period = StatsText.periodOf(
          reports.map(({ report }) => report),
          now
        )
        return `${Output.facts([
          ...(site === null ? [] : [["website", site.name] as const]),
          ...StatsText.periodFacts(period, query, site === null ? "each in its time zone" : meta.time_zone)
        ])}\n${rows.length === 0 ? "Nothing matches.\n" : StatsText.chart(query, rows, width)}`
      }
    })
  })
).pipe(
  Command.withDescription(
    "Show a website's visitors, visits and page views per day and by page, source, campaign, goal and client, and what was not counted, by reason. Visitors are summed over days: visitors cannot be recognized across days, so one who comes on 30 days counts 30 times"
  ),
  Command.withShortDescription("Show a website's statistics, and what was not counted and why"),
  Command.withExamples([
    {
      command: "hydracore stats --site Shop --period 7d --compare previous_period",
      description: "An overview of the last seven days, compared with the seven before"
    },
    {
      command: "hydracore stats --site Shop --by visit:source --filter 'event:page is /pricing'",
      description: "Where the visitors of a page came from"
    },
    {
      command: "hydracore stats --all-sites --from 2026-11-01 --to 2026-11-25 --format csv",
      description: "One line per website, for a spreadsheet"
    }
  ])
)

/** The command. The client is built only when the command runs. */
export const command = <E, R>(client: Layer.Layer<Client.Client, E, R>) => Command.provide(stats, client)
