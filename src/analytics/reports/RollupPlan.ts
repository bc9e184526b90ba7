/**
 * Decides which stored visits and which sums of them a query may read, and for which times it must count page views and
 * events. Pure. Times are in milliseconds since 1970.
 *
 * @module
 */
import { hourMillis } from "../../platform/text/Calendar.ts"
import type { Day } from "./LocalTime.ts"
import * as LocalTime from "./LocalTime.ts"
import type { LocalDate } from "./Query.ts"

export interface Interval {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/** The stored visits of a day up to `end`, or the sum of a month up to one of its days. */
export type Rolled = Interval

export interface State {
  /** A day is open if its `end` is before the end of the date: its visits up to `end` are stored, and have no sum. */
  readonly days: ReadonlyMap<LocalDate, Rolled>
  /** By the first day. A month may end early, with the end of one of its days; later days are not in its sum. */
  readonly months: ReadonlyMap<LocalDate, Rolled>
  /** The starts of the hours that were rolled up before one of their rows was changed, added or deleted. */
  readonly stale: ReadonlyArray<number>
  /** Those of them in which page views or events changed. Leads change sums, but no visit. */
  readonly staleVisits: ReadonlyArray<number>
}

export interface Plan {
  /** The months whose sum is read, by their first day. The sum may cover only the first days of the month. */
  readonly months: ReadonlyArray<LocalDate>
  /** The other days whose sum is read. */
  readonly days: ReadonlyArray<LocalDate>
  /** The times whose visits are in these sums. */
  readonly summed: ReadonlyArray<Interval>
  /** The parts of open days whose visits are stored, and those days. A visit may continue after such a part. */
  readonly open: ReadonlyArray<Interval>
  readonly openDays: ReadonlyArray<LocalDate>
  /**
   * All other times, which must be counted from page views and events. One that begins within a day begins where a part in `open`
   * ends.
   */
  readonly raw: ReadonlyArray<Interval>
}

/** Whether a change in one of the hours can change the visits of a rollup. */
export const isStale = ({ end, start }: Rolled, hours: ReadonlyArray<number>): boolean =>
  hours.some((changed) => changed < end && changed + hourMillis > start)

/** Joins adjacent intervals. */
const merge = (intervals: ReadonlyArray<Interval>): ReadonlyArray<Interval> => {
  const merged: Array<{ start: number; end: number }> = []
  for (const { end, start } of intervals) {
    const last = merged.at(-1)
    if (last?.end === start) last.end = end
    else merged.push({ start, end })
  }
  return merged
}

/** The days of each month, in order. */
const byMonth = (days: ReadonlyArray<Day>): ReadonlyMap<LocalDate, ReadonlyArray<Day>> => {
  const months = new Map<LocalDate, Array<Day>>()
  for (const day of days) {
    const month = LocalTime.monthOf(day.date)
    const found = months.get(month)
    if (found === undefined) months.set(month, [day])
    else found.push(day)
  }
  return months
}

/** The months that begin in a range of days, by their first day. */
export const monthsBegunIn = (days: ReadonlyArray<Day>): ReadonlyArray<LocalDate> =>
  [...byMonth(days)].flatMap(([month, ofMonth]) => (ofMonth[0]?.date === month ? [month] : []))

/** The plan for successive days. */
export const make = (days: ReadonlyArray<Day>, state: State): Plan => {
  /** The end of the visits that are stored without a gap from the start; the start if there are none. */
  const storedUntil = (rolled: Rolled | undefined, { end, start }: Interval, open = state.staleVisits): number =>
    rolled !== undefined &&
    rolled.start === start &&
    rolled.end <= end &&
    !isStale(rolled, rolled.end === end ? state.stale : open)
      ? rolled.end
      : start
  const months: Array<LocalDate> = []
  const summedDays: Array<LocalDate> = []
  const summed: Array<Interval> = []
  const open: Array<Interval> = []
  const openDays: Array<LocalDate> = []
  const raw: Array<Interval> = []
  for (const [month, ofMonth] of byMonth(days)) {
    const whole = { start: ofMonth[0]?.start ?? 0, end: ofMonth.at(-1)?.end ?? 0 }
    const summedUntil = storedUntil(state.months.get(month), whole, state.stale)
    // A range can consist of a date that a clock change skips.
    const isSummed = summedUntil > whole.start && ofMonth.some(({ end }) => end === summedUntil)
    if (isSummed) {
      months.push(month)
      summed.push({ start: whole.start, end: summedUntil })
    }
    for (const day of isSummed ? ofMonth.filter(({ end }) => end > summedUntil) : ofMonth) {
      const { date, end, start } = day
      const reached = storedUntil(state.days.get(date), day)
      if (reached === end) {
        summedDays.push(date)
        summed.push({ start, end })
        continue
      }
      if (reached > start) {
        open.push({ start, end: reached })
        openDays.push(date)
      }
      raw.push({ start: reached, end })
    }
  }
  return { months, days: summedDays, summed: merge(summed), open, openDays, raw: merge(raw) }
}
