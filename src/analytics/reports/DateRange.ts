/**
 * The days of a query, the days of its comparison, and the labels of its time dimension. Pure: the current time and the time
 * zone are arguments.
 *
 * @module
 */
import { dateOf } from "../../platform/text/Calendar.ts"
import * as LocalTime from "./LocalTime.ts"
import type { Comparison, DateRange, LocalDate, Period, Query, Request, TimeDimension } from "./Query.ts"

/** A range whose first day is known. */
export interface Resolved extends DateRange {
  readonly first: LocalDate
  /** Only visits that began before this time count, in milliseconds since 1970. Absent: all visits of the days count. */
  readonly until?: number
}

const monthsBefore = (date: LocalDate, months: number): LocalDate => {
  const [year = 0, month = 1] = date.split("-").map(Number)
  return dateOf(Date.UTC(year, month - 1 - months, 1))
}

const firstDay = (period: Period, today: LocalDate): LocalDate | null => {
  switch (period) {
    case "day":
      return today
    case "7d":
    case "28d":
    case "30d":
    case "91d":
      return LocalTime.addDays(today, 1 - Number.parseInt(period, 10))
    case "month":
      return LocalTime.monthOf(today)
    case "6mo":
    case "12mo":
      return monthsBefore(today, Number.parseInt(period, 10) - 1)
    case "year":
      return `${today.slice(0, 4)}-01-01`
    case "all":
      return null
  }
}

/** The date at the time `now` in a time zone. */
export const today = (facts: { readonly now: number; readonly timeZone: string }): LocalDate =>
  dateOf(LocalTime.zone(facts.timeZone).toLocal(facts.now))

/** The query of a request at the time `now` for a site in `timeZone`. */
export const queryOf = (
  { dateRange, ...request }: Request,
  facts: { readonly now: number; readonly timeZone: string }
): Query => {
  const last = today(facts)
  return {
    ...request,
    range: typeof dateRange === "string" ? { first: firstDay(dateRange, last), last } : dateRange,
    timeZone: facts.timeZone,
    now: facts.now
  }
}

/**
 * A query's range with its first day. `firstReceived` is the time of the website's first page view or event, in milliseconds since
 * 1970; null if there is none.
 */
export const resolved = (
  { now, range, timeZone, untilNow = false }: Pick<Query, "now" | "range" | "timeZone" | "untilNow">,
  firstReceived: number | null
): Resolved => {
  const received = firstReceived === null ? null : today({ now: firstReceived, timeZone })
  return {
    first: range.first ?? (received === null || received > range.last ? range.last : received),
    last: range.last,
    // The visits of a range that has ended all began before `now`.
    ...(untilNow && now !== null && range.last === today({ now, timeZone }) ? { until: now } : {})
  }
}

/** The first and the last day with which to compare a range. */
const comparedDays = ({ first, last }: Resolved, comparison: Comparison) => {
  const days = LocalTime.countDays(first, last)
  if (comparison === "previous_period") {
    return { first: LocalTime.addDays(first, -days), last: LocalTime.addDays(first, -1) }
  }
  const [year = 0, month = 1, day = 1] = first.split("-").map(Number)
  // February 29 becomes February 28.
  const begin = dateOf(Math.min(Date.UTC(year - 1, month - 1, day), Date.UTC(year - 1, month, 0)))
  return { first: begin, last: LocalTime.addDays(begin, days - 1) }
}

/**
 * The range with which to compare a range. It has as many days. `previous_period` ends the day before `first`;
 * `year_over_year` begins a year before `first`. If the range ends today, it ends at the same time of its last day, unless the
 * query is by hours: each hour is compared with a whole one.
 */
export const compared = (
  range: Resolved,
  {
    comparison,
    dimensions,
    now,
    timeZone
  }: Pick<Query, "dimensions" | "now" | "timeZone"> & {
    readonly comparison: Comparison
  }
): Resolved => {
  const days = comparedDays(range, comparison)
  const isUnfinished = now !== null && range.last === today({ now, timeZone }) && !dimensions.includes("time:hour")
  return isUnfinished ? { ...days, until: LocalTime.sameTimeOn(timeZone, days.last, now) } : days
}

/** The values of a time dimension in a range whose time is not over yet: none or one. */
export const unfinishedLabels = (
  dimension: TimeDimension,
  { first, last }: Resolved,
  { now, timeZone }: Pick<Query, "now" | "timeZone">
): ReadonlyArray<string> => {
  if (now === null) return []
  const local = LocalTime.zone(timeZone).toLocal(now)
  const date = dateOf(local)
  return date >= first && date <= last ? [label(dimension, local)] : []
}

/** The value of a time dimension for a local time. */
export const label = (dimension: TimeDimension, local: number): string => {
  switch (dimension) {
    case "time:hour":
      return LocalTime.hourOf(local)
    case "time:day":
      return dateOf(local)
    case "time:week":
      return LocalTime.weekOf(dateOf(local))
    case "time:month":
      return LocalTime.monthOf(dateOf(local))
  }
}

/** Every value of a time dimension in a range, oldest first. */
export const labels = (dimension: TimeDimension, range: Resolved, timeZone: string): ReadonlyArray<string> => {
  const days = LocalTime.days(timeZone, range.first, range.last)
  return [
    ...new Set(
      dimension === "time:hour"
        ? days.flatMap((day) => LocalTime.hours(timeZone, day).map((hour) => hour.label))
        : days.map(({ date }) => label(dimension, LocalTime.midnight(date)))
    )
  ]
}
