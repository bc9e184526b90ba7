/**
 * The overview of a website that `stats` prints without `--by`: totals, days, and the most frequent values. Pure.
 *
 * @module
 */
import type { Answer, MetricValue } from "../../analytics/reports/Answer.ts"
import * as Dimensions from "../../analytics/reports/Dimensions.ts"
import type { NotCounted } from "../../analytics/reports/OwnerReportsApi.ts"
import { type Dimension, type Metric, metrics } from "../../analytics/reports/Query.ts"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Output from "./Output.ts"
import type * as StatsInputs from "./StatsInputs.ts"
import * as StatsText from "./StatsText.ts"

/** All metrics except `group_conversion_rate`, which equals `conversion_rate` in a query without dimensions. */
export const totalMetrics: ReadonlyArray<Metric> = metrics.filter((metric) => metric !== "group_conversion_rate")

export interface List {
  readonly dimension: Dimension
  readonly title: string
  /** The list's key in the JSON. */
  readonly key: string
  /** The key of each entry's name in the JSON. */
  readonly nameKey: string
  readonly metrics: readonly [Metric, Metric]
}

const views = ["pageviews", "visitors"] as const

const list = (
  dimension: Dimension,
  title: string,
  key: string,
  nameKey: string,
  metrics: List["metrics"] = views
): List => ({ dimension, title, key, nameKey, metrics })

export const lists: ReadonlyArray<List> = [
  list("event:page", "Top pages", "top_pages", "page"),
  list("visit:entry_page", "Entry pages", "entry_pages", "page"),
  list("visit:exit_page", "Exit pages", "exit_pages", "page"),
  list("visit:source", "Sources", "sources", "source"),
  list("visit:channel", "Channels", "channels", "channel"),
  list("visit:referrer", "Referrers", "referrers", "referrer"),
  list("visit:utm_medium", "Mediums (utm_medium)", "mediums", "medium"),
  list("visit:utm_campaign", "Campaigns (utm_campaign)", "campaigns", "campaign"),
  list("visit:utm_term", "Terms (utm_term)", "terms", "term"),
  list("visit:utm_content", "Contents (utm_content)", "contents", "content"),
  list("event:goal", "Goals", "goals", "goal", ["conversions", "visitors"]),
  list("visit:country", "Countries", "countries", "country"),
  list("visit:browser", "Browsers", "browsers", "browser"),
  list("visit:os", "Operating systems", "operating_systems", "operating_system"),
  list("visit:device", "Devices", "devices", "device")
]

export interface Site extends StatsInputs.Site {
  readonly site_id: WebsiteConfigId
  readonly name: string
}

export interface Overview {
  readonly site: Site
  /** The maximum number of entries of a list. */
  readonly limit: number
  readonly totals: Answer
  /** By `time:day`, with the metrics `pageviews` and `visitors`. */
  readonly days: Answer
  readonly lists: ReadonlyArray<readonly [List, Answer]>
  /** What was not counted, most frequent first. */
  readonly notCounted: (typeof NotCounted.Type)["reasons"]
}

/** The rows of a list, without the group of absent values. Direct visits are a source, but not a referrer. */
const entries = ({ limit }: Overview, { dimension }: List, { results }: Answer): Answer["results"] =>
  results
    .filter(
      ({ dimensions: [name] }) =>
        name !== Dimensions.notSet && (dimension !== "visit:referrer" || name !== Dimensions.direct)
    )
    .slice(0, limit)

/** The maximum number of days with a bar each. A longer period has a bar per month. */
const maxDailyBars = 62

interface Day {
  readonly date: string
  readonly pageviews: number
  readonly visitors: number
}

const toNumber = (value: MetricValue | undefined): number => (typeof value === "number" ? value : 0)

/** Every day of the range, oldest first. */
const daysOf = ({ meta, results }: Answer): ReadonlyArray<Day> => {
  const known = new Map(results.map(({ dimensions: [date = ""], metrics }) => [date, metrics]))
  return (meta.time_labels ?? []).map((date) => {
    const [pageviews, visitors] = known.get(date) ?? []
    return { date, pageviews: toNumber(pageviews), visitors: toNumber(visitors) }
  })
}

/** The days, or the months of a long period. */
const bars = (days: ReadonlyArray<Day>): ReadonlyArray<StatsText.Bar> => {
  const label = ({ date }: Day) => (days.length > maxDailyBars ? date.slice(0, 7) : date)
  const sums = new Map<string, { value: number; visitors: number }>()
  for (const day of days) {
    const sum = sums.get(label(day)) ?? { value: 0, visitors: 0 }
    sums.set(label(day), { value: sum.value + day.pageviews, visitors: sum.visitors + day.visitors })
  }
  return Array.from(sums, ([name, sum]) => ({ label: name, value: sum.value, notes: [String(sum.visitors)] }))
}

const totalFacts = (answer: Answer): ReadonlyArray<readonly [string, string]> => {
  const [row] = answer.results
  return totalMetrics.flatMap((metric, index) => {
    const value = row?.metrics[index] ?? null
    if (value === null) return []
    const name = metric === "visitors" ? "visitors (each day's, summed)" : StatsText.titles[metric]
    const compared =
      row?.comparison === undefined
        ? ""
        : `  ${StatsText.change(metric, row.comparison.change[index] ?? null)} (${StatsText.value(metric, row.comparison.metrics[index] ?? null)} before)`
    return [[name, `${StatsText.value(metric, value)}${compared}`] as const]
  })
}

export const text = (overview: Overview, width: number): string => {
  const { query, meta } = overview.totals
  const days = daysOf(overview.days)
  const reasonBars = overview.notCounted.map(({ reason, requests }) => ({ label: reason, value: requests }))
  return [
    Output.facts([
      ["website", overview.site.name],
      ...StatsText.periodFacts(
        {
          days: query.date_range,
          compared: meta.comparison_date_range,
          isUnfinished: (overview.days.meta.partial_time_labels ?? []).length > 0
        },
        query,
        meta.time_zone
      ),
      ...totalFacts(overview.totals)
    ]),
    `\nPage views and visitors per ${days.length > maxDailyBars ? "month" : "day"}\n`,
    StatsText.drawBars(bars(days), width),
    ...overview.lists.flatMap(([list, answer]) => {
      const rows = entries(overview, list, answer)
      if (rows.length === 0) return []
      return [
        `\n${list.title}\n`,
        StatsText.chart(
          { dimensions: [list.nameKey as Dimension], metrics: list.metrics },
          StatsText.rowsOf(null, { ...answer, results: rows }),
          width
        )
      ]
    }),
    reasonBars.length === 0
      ? ""
      : `\nNot counted (page views, events and submissions; UTC days)\n${StatsText.drawBars(reasonBars, width)}`
  ].join("")
}

const wireNames: Partial<Record<Metric, string>> = { pageviews: "page_views" }

const wireName = (metric: Metric): string => wireNames[metric] ?? metric

export const json = (overview: Overview) => {
  const [row] = overview.totals.results
  const { meta, query } = overview.totals
  return {
    site_id: overview.site.site_id,
    date_range: query.date_range,
    time_zone: meta.time_zone,
    ...Object.fromEntries(totalMetrics.map((metric, index) => [wireName(metric), row?.metrics[index] ?? null])),
    ...(row?.comparison === undefined
      ? {}
      : {
          comparison: {
            date_range: meta.comparison_date_range,
            ...Object.fromEntries(
              totalMetrics.map((metric, index) => [wireName(metric), row.comparison?.metrics[index] ?? null])
            )
          }
        }),
    per_day: daysOf(overview.days).map(({ date, pageviews, visitors }) => ({ date, page_views: pageviews, visitors })),
    ...Object.fromEntries(
      overview.lists.map(([list, answer]) => [
        list.key,
        entries(overview, list, answer).map(({ dimensions: [name = ""], metrics }) => ({
          [list.nameKey]: name,
          ...Object.fromEntries(list.metrics.map((metric, index) => [wireName(metric), metrics[index] ?? null]))
        }))
      ])
    ),
    not_counted: Object.fromEntries(overview.notCounted.map(({ reason, requests }) => [reason, requests]))
  }
}
