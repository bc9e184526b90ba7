/**
 * `stats`: a website's page views, and uncounted requests by reason.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option } from "effect"
import { Command } from "effect/cli"
import type { Count, Day, List, Statistics } from "../core/analytics/Statistics.ts"
import { type Counts, reasons } from "../core/sites/Decision.ts"
import type { Site } from "../core/sites/Site.ts"
import * as BarChart from "../core/text/BarChart.ts"
import { Reports } from "../services/analytics/Reports.ts"
import { Decisions } from "../services/sites/Decisions.ts"
import { SiteDirectory } from "../services/sites/SiteDirectory.ts"
import * as Inputs from "./support/Inputs.ts"
import * as Output from "./support/Output.ts"

/** The most days with a bar each. A longer period has a bar per month. */
const maxDailyBars = 62

/** The page views per day, or per month of a long period, oldest first. */
const bars = (days: ReadonlyArray<Day>): ReadonlyArray<BarChart.Bar> => {
  const label = (day: Day) => (days.length > maxDailyBars ? day.date.slice(0, 7) : day.date)
  const sums = new Map<string, number>()
  for (const day of days) sums.set(label(day), (sums.get(label(day)) ?? 0) + day.pageViews)
  return Array.from(sums, ([name, value]) => ({ label: name, value }))
}

const ranking = (title: string, counts: ReadonlyArray<Count>, width: number): string =>
  counts.length === 0
    ? ""
    : `\n${title}\n${BarChart.render(
        counts.map(({ name, pageViews }) => ({ label: name, value: pageViews })),
        width
      )}`

/** The lists, in the order of the text, with their title in the text and their keys in the JSON. */
const lists: ReadonlyArray<readonly [list: List, title: string, key: string, nameKey: string]> = [
  ["pages", "Top pages", "top_pages", "page"],
  ["referrers", "Referrers", "referrers", "referrer"],
  ["sources", "Sources (utm_source)", "sources", "source"],
  ["mediums", "Mediums (utm_medium)", "mediums", "medium"],
  ["campaigns", "Campaigns (utm_campaign)", "campaigns", "campaign"],
  ["terms", "Terms (utm_term)", "terms", "term"],
  ["contents", "Contents (utm_content)", "contents", "content"],
  ["browsers", "Browsers", "browsers", "browser"],
  ["operatingSystems", "Operating systems", "operating_systems", "operating_system"],
  ["devices", "Devices", "devices", "device"]
]

/** The counts by reason, largest first; ties in the order of `reasons`. */
const uncounted = (counts: Counts): ReadonlyArray<Count> =>
  reasons
    .flatMap((name) => (counts[name] === undefined ? [] : [{ name, pageViews: counts[name] }]))
    .sort((left, right) => right.pageViews - left.pageViews)

const text = (site: Site, statistics: Statistics, counts: Counts, width: number): string => {
  const first = statistics.days[0]?.date ?? ""
  const last = statistics.days.at(-1)?.date ?? ""
  return (
    Output.facts([
      ["website", site.name],
      ["period", `${first} to ${last} (UTC)`],
      ["page views", String(statistics.pageViews)],
      ["visitors (each day's, summed)", String(statistics.visitors)],
      ["sessions", String(statistics.sessions)]
    ]) +
    `\nPage views per ${statistics.days.length > maxDailyBars ? "month" : "day"}\n${BarChart.render(bars(statistics.days), width)}` +
    lists.map(([list, title]) => ranking(title, statistics[list], width)).join("") +
    ranking("Not counted (page views and submissions)", uncounted(counts), width)
  )
}

const json = (site: Site, statistics: Statistics, counts: Counts) => ({
  website_config_id: site.websiteConfigId,
  page_views: statistics.pageViews,
  visitors: statistics.visitors,
  sessions: statistics.sessions,
  per_day: statistics.days.map((day) => ({ date: day.date, page_views: day.pageViews, visitors: day.visitors })),
  ...Object.fromEntries(
    lists.map(([list, , key, nameKey]) => [
      key,
      statistics[list].map(({ name, pageViews }) => ({ [nameKey]: name, page_views: pageViews }))
    ])
  ),
  not_counted: Object.fromEntries(uncounted(counts).map(({ name, pageViews: times }) => [name, times]))
})

const stats = Command.make(
  "stats",
  { websiteConfigId: Inputs.site, days: Inputs.days },
  Effect.fnUntraced(function* ({ days, websiteConfigId }) {
    const directory = yield* SiteDirectory
    const reports = yield* Reports
    const decisions = yield* Decisions
    const found = yield* directory.byWebsiteConfigId(websiteConfigId)
    if (Option.isNone(found)) {
      return yield* Output.notFound("website", websiteConfigId)
    }
    const site = found.value
    const now = yield* Clock.currentTimeMillis
    const statistics = yield* reports.statistics({ hostedWebsiteId: site.hostedWebsiteId, days, now })
    const counts = yield* decisions.counts({ site, days, now })
    yield* Output.answer({
      json: json(site, statistics, counts),
      text: text(site, statistics, counts, yield* Output.lineWidth)
    })
  })
).pipe(
  Command.withDescription(
    "Show a website's page views per day and by page, referrer, campaign, browser, operating system and device, and what was not counted, by reason. Visitors are summed over days: visitors cannot be recognized across days, so one who comes on 30 days counts 30 times"
  ),
  Command.withShortDescription("Show a website's page views, and what was not counted and why")
)

/** The command. `storage` is built only when it runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | Reports | Decisions, E, R>) =>
  stats.pipe(Command.provide(storage))
