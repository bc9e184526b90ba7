/**
 * Decides which stored visits and which sums of them a query may read, and for which times it must count page views and
 * events. Pure. Times are in milliseconds since 1970.
 *
 * @module
 */
import type { Day } from "../LocalTime.ts"
import * as LocalTime from "../LocalTime.ts"
import type { LocalDate } from "../Query.ts"

export interface Interval {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/** The stored visits of a day up to `end`, or the sum of a month up to one of its days. */
export interface Rolled extends Interval {
  /** Whether the sum has conversions, by the goals and leads as they are now. The visits of an open day have no such sum. */
  readonly isCounted: boolean
}

export interface State {
  /** A day is open if its `end` is before the end of the date: its visits up to `end` are stored, and have no sum. */
  readonly days: ReadonlyMap<LocalDate, Rolled>
  /** By the first day. A month may end early, with the end of one of its days; later days are not in its sum. */
  readonly months: ReadonlyMap<LocalDate, Rolled>
}

export interface Plan {
  /** The months whose sum is read, by their first day. The sum may cover only the first days of the month. */
  readonly months: ReadonlyArray<LocalDate>
  /** The other days whose sum is read. */
  readonly days: ReadonlyArray<LocalDate>
  /** The times whose visits are in these sums. */
  readonly summed: ReadonlyArray<Interval>
  /** The parts of other days whose visits are read. A visit of an open day may continue after such a part. */
  readonly visits: ReadonlyArray<Interval>
  /** The open days among them. */
  readonly openDays: ReadonlyArray<LocalDate>
  /**
   * All other times, which must be counted from page views and events. One that begins within a day begins where a part in
   * `visits` ends.
   */
  readonly raw: ReadonlyArray<Interval>
}

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

/** The end of the visits that are stored without a gap from the start; the start if there are none. */
const storedUntil = (rolled: Rolled | undefined, { end, start }: Interval): number =>
  rolled !== undefined && rolled.start === start && rolled.end <= end ? rolled.end : start

/** The plan for successive days. With `usesGoals`, reads no sum without the conversions of the current goals. */
export const make = (days: ReadonlyArray<Day>, state: State, usesGoals: boolean): Plan => {
  const hasSum = (rolled: Rolled | undefined): boolean => !usesGoals || rolled?.isCounted === true
  const months: Array<LocalDate> = []
  const summedDays: Array<LocalDate> = []
  const summed: Array<Interval> = []
  const visits: Array<Interval> = []
  const openDays: Array<LocalDate> = []
  const raw: Array<Interval> = []
  for (const [month, ofMonth] of byMonth(days)) {
    const whole = { start: ofMonth[0]?.start ?? 0, end: ofMonth.at(-1)?.end ?? 0 }
    const rolledMonth = state.months.get(month)
    const summedUntil = storedUntil(rolledMonth, whole)
    // A range can consist of a date that a clock change skips.
    const isSummed = hasSum(rolledMonth) && summedUntil > whole.start && ofMonth.some(({ end }) => end === summedUntil)
    if (isSummed) {
      months.push(month)
      summed.push({ start: whole.start, end: summedUntil })
    }
    for (const day of isSummed ? ofMonth.filter(({ end }) => end > summedUntil) : ofMonth) {
      const { date, end, start } = day
      const rolled = state.days.get(date)
      const reached = storedUntil(rolled, day)
      if (reached === end && hasSum(rolled)) {
        summedDays.push(date)
        summed.push({ start, end })
        continue
      }
      if (reached > start) visits.push({ start, end: reached })
      if (reached > start && reached < end) openDays.push(date)
      if (reached < end) raw.push({ start: reached, end })
    }
  }
  return { months, days: summedDays, summed: merge(summed), visits: merge(visits), openDays, raw: merge(raw) }
}
