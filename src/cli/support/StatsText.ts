/**
 * Writes answers to queries as bar charts and as CSV. Pure: the width is an argument.
 *
 * @module
 */
import type { Answer, MetricValue, ResultRow } from "../../analytics/reports/Answer.ts"
import * as DateRange from "../../analytics/reports/DateRange.ts"
import type { LocalDate, Metric } from "../../analytics/reports/Query.ts"
import * as Csv from "../../platform/text/Csv.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"

export const titles: Readonly<Record<Metric, string>> = {
  visitors: "visitors",
  visits: "visits",
  pageviews: "page views",
  views_per_visit: "views per visit",
  bounce_rate: "bounce rate",
  visit_duration: "visit duration",
  events: "events",
  conversions: "conversions",
  conversion_rate: "conversion rate",
  group_conversion_rate: "conversion rate of the group",
  total_revenue: "revenue"
}

/** Shorter titles for the columns of a chart. */
const columnTitles: Partial<Record<Metric, string>> = {
  pageviews: "views",
  bounce_rate: "bounces",
  conversion_rate: "rate"
}

const columnTitle = (metric: Metric): string => columnTitles[metric] ?? titles[metric]

const isRate = (metric: Metric): boolean => metric.endsWith("_rate")

const duration = (seconds: number): string =>
  seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`

export const value = (metric: Metric, given: MetricValue): string => {
  if (given === null) return "-"
  if (typeof given !== "number") return given.long
  return isRate(metric) ? `${given} %` : metric === "visit_duration" ? duration(given) : String(given)
}

export const change = (metric: Metric, given: number | null): string => {
  if (given === null) return "-"
  return `${given > 0 ? "+" : ""}${given} ${isRate(metric) ? "points" : "%"}`
}

const numberOf = (given: MetricValue | undefined): number => (typeof given === "number" ? given : (given?.value ?? 0))

/** The title of a metric's change in CSV. Metrics have the same names in CSV as in queries. */
const changeTitle = (metric: Metric) => `change of ${metric}`

type Days = readonly [first: LocalDate, last: LocalDate]

/** The days of some answers. */
export interface Period {
  readonly days: Days
  /** The compared days, if there is a comparison. */
  readonly compared: Days | undefined
  /** Whether a range ends today, in the time zone of its answer. */
  readonly isUnfinished: boolean
}

/**
 * The days of answers at the time `now`, from the earliest to the latest: today has different dates in different time zones. There
 * must be an answer.
 */
export const periodOf = (
  answers: ReadonlyArray<{
    readonly query: Pick<Answer["query"], "date_range">
    readonly meta: Pick<Answer["meta"], "time_zone" | "comparison_date_range">
  }>,
  now: number
): Period => {
  const span = (ranges: ReadonlyArray<Days>): Days | undefined => {
    const dates = ranges.flat().toSorted()
    const [first, last] = [dates[0], dates.at(-1)]
    return first === undefined || last === undefined ? undefined : [first, last]
  }
  const zones = Map.groupBy(answers, ({ meta }) => meta.time_zone)
  return {
    days: span(answers.map(({ query }) => query.date_range)) ?? ["", ""],
    compared: span(answers.flatMap(({ meta: { comparison_date_range: days } }) => (days === undefined ? [] : [days]))),
    isUnfinished: [...zones].some(([timeZone, alike]) => {
      const today = DateRange.today({ now, timeZone })
      return alike.some(({ query }) => query.date_range[1] === today)
    })
  }
}

/**
 * The facts that name the days and, if there is a comparison, the compared days. A query by hours compares each hour with a whole
 * one.
 */
export const periodFacts = (
  { compared, days, isUnfinished }: Period,
  { dimensions }: Pick<Answer["query"], "dimensions">,
  zone: string
): ReadonlyArray<readonly [string, string]> => [
  ["period", `${days[0]} to ${days[1]}${isUnfinished ? " so far" : ""} (${zone})`],
  ...(compared === undefined
    ? []
    : [
        [
          "compared with",
          `${compared[0]} to ${compared[1]}${
            isUnfinished && !dimensions.includes("time:hour") ? ", the last day until the same time" : ""
          }`
        ] as const
      ])
]

export interface Bar {
  /** Any text. Control characters are shown as U+FFFD, and a long label is truncated. */
  readonly label: string
  /** Zero or more. */
  readonly value: number
  /** Texts after the number, right-aligned in columns. */
  readonly notes?: ReadonlyArray<string>
}

/** The titles of the columns. */
export interface Header {
  readonly label: string
  readonly value: string
  readonly notes: ReadonlyArray<string>
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

/** A bar of `value / max` of `cells`, to an eighth of a cell. A positive value is always visible. */
const bar = (value: number, max: number, cells: number): string => {
  if (value <= 0 || max <= 0) return ""
  const parts = Math.max(1, Math.round((value / max) * cells * 8))
  return "█".repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? "")
}

/** The minimum width of a chart, in cells. */
export const minWidth = 20

/**
 * One line per bar: the label, the bar, the right-aligned number, and the notes. The largest value has the longest bar, and the
 * other bars are proportional. No line is wider than `width` cells (at least `minWidth`), unless the number and the notes leave
 * fewer than six cells.
 */
export const drawBars = (bars: ReadonlyArray<Bar>, width: number, header?: Header): string => {
  const total = Math.max(width, minWidth)
  const cells = bars.map(({ notes = [], value }) => [String(value), ...notes])
  const titles = header === undefined ? [] : [[header.value, ...header.notes]]
  const columns = cells[0] ?? []
  const widths = columns.map((_, column) =>
    [...titles, ...cells].reduce((max, row) => Math.max(max, TerminalText.width(row[column] ?? "")), 0)
  )
  const numberWidth = widths.reduce((sum, cellWidth) => sum + cellWidth + 2, -2)
  const labels = bars.map(({ label }) => TerminalText.printable(label))
  const longest = [...labels, header?.label ?? ""].reduce((max, label) => Math.max(max, TerminalText.width(label)), 0)
  // Labels take up to a third of the line, and leave at least one cell to the bar.
  const labelWidth = Math.min(longest, Math.max(1, Math.min(Math.floor(total / 3), total - numberWidth - 5)))
  const barWidth = Math.max(1, total - labelWidth - numberWidth - 4)
  const largest = bars.reduce((max, { value }) => Math.max(max, value), 0)
  const line = (label: string, drawn: string, row: ReadonlyArray<string>) => {
    const numbers = widths.map((cellWidth, column) => TerminalText.padStart(row[column] ?? "", cellWidth))
    const name = TerminalText.padEnd(TerminalText.truncate(label, labelWidth), labelWidth)
    return `${name}  ${TerminalText.padEnd(drawn, barWidth)}  ${numbers.join("  ")}\n`
  }
  return [
    ...(header === undefined || bars.length === 0
      ? []
      : [line(TerminalText.printable(header.label), "", [header.value, ...header.notes])]),
    ...bars.map(({ value }, index) => line(labels[index] ?? "", bar(value, largest, barWidth), cells[index] ?? []))
  ].join("")
}

/** A row of an answer. `site` is null if the query was about one website. */
export interface NamedRow {
  readonly site: { readonly websiteConfigId: string; readonly name: string } | null
  readonly row: ResultRow
}

/** The rows of an answer, each with the answer's website. */
export const rowsOf = (site: NamedRow["site"], { results }: Answer): ReadonlyArray<NamedRow> =>
  results.map((row) => ({ site, row }))

/** A chart with bars for the first metric and columns for the others. The duration is left out: there is no room for it. */
export const chart = (
  { dimensions, metrics }: Pick<Answer["query"], "dimensions" | "metrics">,
  rows: ReadonlyArray<NamedRow>,
  width: number
): string => {
  const [first, ...others] = metrics.filter((metric) => metric !== "visit_duration")
  if (first === undefined) return ""
  const firstIndex = metrics.indexOf(first)
  const isCompared = rows.some(({ row }) => row.comparison !== undefined)
  const bars = rows.map(({ row, site }) => ({
    label: [...(site === null ? [] : [site.name]), ...row.dimensions].join("  "),
    value: numberOf(row.metrics[firstIndex]),
    notes: [
      ...(isCompared ? [change(first, row.comparison?.change[firstIndex] ?? null)] : []),
      ...others.map((metric) => value(metric, row.metrics[metrics.indexOf(metric)] ?? null))
    ]
  }))
  const names = rows.some(({ site }) => site !== null) ? ["website"] : []
  return drawBars(bars, width, {
    label: [...names, ...dimensions].join("  "),
    value: columnTitle(first),
    notes: [...(isCompared ? ["change"] : []), ...others.map(columnTitle)]
  })
}

export interface CsvOptions {
  readonly dimensions: ReadonlyArray<string>
  readonly metrics: ReadonlyArray<Metric>
  /** Whether each row begins with its website. */
  readonly isNamed: boolean
  /** Whether each row ends with the change of each metric. */
  readonly isCompared: boolean
}

/** CSV with a header, which is the same if there are no rows. */
export const csv = (
  { dimensions, isCompared, isNamed, metrics }: CsvOptions,
  rows: ReadonlyArray<NamedRow>
): string => {
  const cell = (given: MetricValue): Csv.Cell =>
    given === null ? Csv.text(null) : Csv.number(typeof given === "number" ? given : given.value)
  const header = [
    ...(isNamed ? ["website_config_id", "name"] : []),
    ...dimensions,
    ...metrics,
    ...(metrics.includes("total_revenue") ? ["currency"] : []),
    ...(isCompared ? metrics.map(changeTitle) : [])
  ]
  const record = ({ row, site }: NamedRow) => {
    const revenue = row.metrics[metrics.indexOf("total_revenue")]
    const currency = typeof revenue === "object" && revenue !== null ? revenue.currency : null
    return Csv.record([
      ...(site === null ? [] : [Csv.text(site.websiteConfigId), Csv.text(site.name)]),
      ...row.dimensions.map(Csv.text),
      ...row.metrics.map(cell),
      ...(metrics.includes("total_revenue") ? [Csv.text(currency)] : []),
      ...(isCompared ? metrics.map((_, index) => cell(row.comparison?.change[index] ?? null)) : [])
    ])
  }
  return [Csv.record(header.map(Csv.text)), ...rows.map(record)].join("")
}
