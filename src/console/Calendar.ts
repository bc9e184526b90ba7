/**
 * Days and the values of time dimensions, as strings in the website's time zone. Pure: the current time is an argument.
 *
 * The strings are parsed as if they were UTC, so that the browser's own zone changes nothing.
 *
 * @module
 */

import type { QueryBody } from "../analytics/reports/QueryBody.ts"
import type { Days, Interval, Range } from "./Address.ts"

const day = 86_400_000

const dateOf = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

/** The date this many days later. */
export const addDays = (date: string, days: number): string => dateOf(Date.parse(date) + days * day)

/** The number of days of a range, both ends included. */
export const countDays = ([first, last]: Days): number => Math.round((Date.parse(last) - Date.parse(first)) / day) + 1

/** The date of a time in a time zone. */
export const today = (now: number, timeZone: string): string =>
  // Sweden uses the format of ISO 8601.
  new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" }).format(now)

const lastMonth = (date: string): Days => {
  const [year = 0, month = 1] = date.split("-").map(Number)
  return [dateOf(Date.UTC(year, month - 2, 1)), dateOf(Date.UTC(year, month - 1, 0))]
}

/** The `date_range` of a query. */
export const dateRangeOf = (
  range: Range,
  facts: { readonly now: number; readonly timeZone: string }
): QueryBody["date_range"] => {
  if (range !== "yesterday" && range !== "last-month") return range
  const date = today(facts.now, facts.timeZone)
  if (range === "last-month") return lastMonth(date)
  const yesterday = addDays(date, -1)
  return [yesterday, yesterday]
}

/** The intervals that suit a chart of this many days: with others, the chart would have too many points or too few. */
export const intervalsOf = (days: number): ReadonlyArray<Interval> => [
  ...(days <= 14 ? (["time:hour"] as const) : []),
  ...(days > 1 && days <= 400 ? (["time:day"] as const) : []),
  ...(days > 14 ? (["time:week"] as const) : []),
  ...(days > 60 ? (["time:month"] as const) : [])
]

/** The default interval of a range of this many days. */
export const defaultInterval = (days: number): Interval =>
  days <= 2 ? "time:hour" : days <= 91 ? "time:day" : days <= 366 ? "time:week" : "time:month"

/**
 * Returns the days of a range that a point of the chart stands for.
 *
 * @param label the point's value of the time dimension `interval`
 */
export const daysOf = (interval: Interval, label: string, [first, last]: Days): Days => {
  const start = label.slice(0, 10)
  const [year = 0, month = 1] = start.split("-").map(Number)
  const end =
    interval === "time:month" ? dateOf(Date.UTC(year, month, 0)) : interval === "time:week" ? addDays(start, 6) : start
  return [start < first ? first : start, end > last ? last : end]
}

/** The hour of a time in a time zone, as a value of `time:hour`. */
export const hour = (now: number, timeZone: string): string =>
  `${new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" }).format(now).slice(0, 13)}:00:00`
