/**
 * `stats`: the statistics of websites.
 *
 * - For one website: an overview with the uncounted requests by reason, or with `--format csv` a row per day.
 * - With `--all-sites`: a row per website.
 * - With `--by`: the groups of each website.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option, Schema } from "effect"
import { Command } from "effect/cli"
import * as DateRange from "../../analytics/reports/DateRange.ts"
import { limits, type Metric } from "../../analytics/reports/Query.ts"
import { Reports } from "../../analytics/reports/Reports.ts"
import { dateOf } from "../../platform/text/Calendar.ts"
import { Decisions } from "../../sites/Decisions.ts"
import type { Site } from "../../sites/Site.ts"
import type { SiteDirectory } from "../../sites/SiteDirectory.ts"
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

const json = Schema.decodeUnknownSync(Schema.Json)

const overview = Effect.fnUntraced(function* (flags: StatsInputs.Flags, site: Site) {
  const reports = yield* Reports
  const decisions = yield* Decisions
  const now = yield* Clock.currentTimeMillis
  const makeQuery = yield* StatsInputs.queryMaker(flags, site, now)
  const run = (selection: StatsInputs.Selection) =>
    Effect.flatMap(makeQuery(selection), (query) => reports.query(site, query))
  const totals = yield* run({ metrics: StatsOverview.totalMetrics, dimensions: [], limit: 1 })
  const days = yield* run({ metrics: ["pageviews", "visitors"], dimensions: ["time:day"], limit: maxRows })
  const lists = yield* Effect.forEach(StatsOverview.lists, (list) =>
    Effect.map(
      run({ metrics: list.metrics, dimensions: [list.dimension], limit: withUnset(flags.limit) }),
      (answer) => [list, answer] as const
    )
  )
  const [first, last] = totals.query.date_range
  // The counts are of UTC days, and today's UTC date may differ from that in the website's time zone.
  const isToday = last === DateRange.today({ now, timeZone: site.timeZone })
  const utcToday = dateOf(now)
  const counts = yield* decisions.counts({ site, first, last: isToday && utcToday > last ? utcToday : last })
  return { site, limit: flags.limit, totals, days, lists, counts } satisfies StatsOverview.Overview
})

const stats = Command.make(
  "stats",
  StatsInputs.flags,
  Effect.fnUntraced(function* ({ format, ...flags }) {
    const isJson = yield* Output.Json
    const isCsv = format === "csv"
    if (isJson && isCsv) {
      return yield* new Output.CliFailure({ message: "The flags --json and --format csv cannot be combined." })
    }
    const sites = yield* StatsInputs.sites(flags)
    const [only] = sites
    const isGrouped = flags.by.length > 0
    if (!flags.allSites && !isGrouped && !isCsv && only !== undefined) {
      const data = yield* overview(flags, only)
      const width = yield* Output.lineWidth
      return yield* Output.answer({ json: json(StatsOverview.json(data)), text: StatsOverview.text(data, width) })
    }
    const reports = yield* Reports
    const now = yield* Clock.currentTimeMillis
    // Without `--by`, the CSV of one website has a row per day, and `--all-sites` has a row per website.
    const dimensions = isGrouped ? flags.by : flags.allSites ? [] : ["time:day"]
    const metrics = metricsBy(dimensions)
    const limit = isGrouped ? flags.limit : maxRows
    const queries = yield* StatsInputs.queriesOf(flags, sites, now, { metrics, dimensions, limit })
    const answers = (yield* reports.queryAll(queries)).flatMap((answer, index) => {
      const site = sites[index]
      return site === undefined ? [] : [{ site, answer }]
    })
    const rows = answers.flatMap(({ answer, site }) => StatsText.rowsOf(flags.allSites ? site : null, answer))
    if (isCsv) {
      const options = { dimensions, metrics, isNamed: flags.allSites, isCompared: Option.isSome(flags.compare) }
      return yield* Output.write(StatsText.csv(options, rows))
    }
    const [first] = answers
    if (first === undefined) {
      return yield* Output.answer({ json: [], text: "There are no websites. `hydracore site create` creates one.\n" })
    }
    const documents = answers.map(({ answer, site }) => ({
      website_config_id: site.websiteConfigId,
      name: site.name,
      ...answer
    }))
    const period = StatsText.periodOf(
      answers.map(({ answer }) => answer),
      now
    )
    yield* Output.answer({
      json: json(flags.allSites ? documents : first.answer),
      text: `${Output.facts([
        ...(flags.allSites ? [] : [["website", first.site.name] as const]),
        ...StatsText.periodFacts(
          period,
          first.answer.query,
          flags.allSites ? "each in its time zone" : first.answer.meta.time_zone
        )
      ])}\n${rows.length === 0 ? "Nothing matches.\n" : StatsText.chart(first.answer.query, rows, yield* Output.lineWidth)}`
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

/** The command. `storage` is built only when the command runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | Reports | Decisions, E, R>) =>
  stats.pipe(Command.provide(storage))
