/**
 * Decides which stored visits and which sums of them a query may read, and for which times it must count page views and
 * events. Pure. Times are in milliseconds since 1970.
 *
 * @module
 */
import { hourMillis } from "../../text/Calendar.ts"
import type { Day } from "./LocalTime.ts"
import * as LocalTime from "./LocalTime.ts"
import type { LocalDate } from "./Query.ts"
import { maxGap } from "./Visits.ts"

export interface Interval {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/** A day or month whose visits up to `end` are stored. Their sum is stored too, except for some open days: see `RolledDay`. */
export interface Rolled extends Interval {
  /** The end of the last visit, or `end` if that is later. */
  readonly visitsEnd: number
}

export interface RolledDay extends Rolled {
  /** Whether an open day has a sum of its visits up to `end`. A day that is not open always has a sum. */
  readonly isPartlySummed: boolean
}

export interface State {
  /** A day is open if its `end` is before the end of the date: only its visits up to `end` are stored. */
  readonly days: ReadonlyMap<LocalDate, RolledDay>
  /** By the first day. A month may end early, with the end of one of its days; later days are not in its sum. */
  readonly months: ReadonlyMap<LocalDate, Rolled>
  /** The starts of the hours that were rolled up before one of their rows was changed, added or deleted. */
  readonly stale: ReadonlyArray<number>
}

export interface Plan {
  /** The months whose sum is read, by their first day. The sum may cover only the first days of the month. */
  readonly months: ReadonlyArray<LocalDate>
  /** The other days whose sum is read. The sum may cover only the first visits of the day. */
  readonly days: ReadonlyArray<LocalDate>
  /** The times whose visits are in the sums of `months`, and of the `days` that are not open. */
  readonly stored: ReadonlyArray<Interval>
  /** The summed parts of open days. A visitor of such a part may have visits after that part. */
  readonly partlySummed: ReadonlyArray<Interval>
  /** The parts of open days whose visits are stored but not summed. */
  readonly open: ReadonlyArray<Interval>
  /** All other times, which must be counted from page views and events. */
  readonly raw: ReadonlyArray<Interval>
}

/** Whether a change in one of the hours can change the visits of a rollup. */
export const isStale = ({ start, visitsEnd }: Rolled, hours: ReadonlyArray<number>): boolean =>
  hours.some((changed) => changed <= visitsEnd + maxGap && changed + hourMillis > start - maxGap)

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
  const storedUntil = (rolled: Rolled | undefined, { end, start }: Interval): number =>
    rolled !== undefined && rolled.start === start && rolled.end <= end && !isStale(rolled, state.stale)
      ? rolled.end
      : start
  const months: Array<LocalDate> = []
  const rolledDays: Array<LocalDate> = []
  const stored: Array<Interval> = []
  const partlySummed: Array<Interval> = []
  const open: Array<Interval> = []
  const raw: Array<Interval> = []
  for (const [month, ofMonth] of byMonth(days)) {
    const whole = { start: ofMonth[0]?.start ?? 0, end: ofMonth.at(-1)?.end ?? 0 }
    const summedUntil = storedUntil(state.months.get(month), whole)
    // A range can consist of a date that a clock change skips.
    const isSummed = summedUntil > whole.start && ofMonth.some(({ end }) => end === summedUntil)
    if (isSummed) {
      months.push(month)
      stored.push({ start: whole.start, end: summedUntil })
    }
    for (const day of isSummed ? ofMonth.filter(({ end }) => end > summedUntil) : ofMonth) {
      const { date, end, start } = day
      const known = state.days.get(date)
      const reached = storedUntil(known, day)
      if (reached === end) {
        rolledDays.push(date)
        stored.push({ start, end })
        continue
      }
      if (reached > start && known?.isPartlySummed === true) {
        rolledDays.push(date)
        partlySummed.push({ start, end: reached })
      } else if (reached > start) open.push({ start, end: reached })
      raw.push({ start: reached, end })
    }
  }
  return { months, days: rolledDays, stored: merge(stored), partlySummed, open, raw: merge(raw) }
}
