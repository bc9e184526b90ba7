/**
 * The periods that reports cover, and when a report is due: on the morning after its period's last day. Pure: the time and the
 * time zone are arguments.
 *
 * @module
 */
import * as DateRange from "../../analytics/reports/DateRange.ts"
import * as LocalTime from "../../analytics/reports/LocalTime.ts"
import type { LocalDate } from "../../analytics/reports/Query.ts"
import * as LocalMorning from "./LocalMorning.ts"
import type { Period } from "./Notification.ts"

/** The first and the last day of a period, in the website's time zone. */
export interface Range {
  readonly first: LocalDate
  readonly last: LocalDate
}

const beginningOf = (period: Period, date: LocalDate): LocalDate =>
  period === "weekly" ? LocalTime.weekOf(date) : LocalTime.monthOf(date)

/** The first day of the first period that begins after a date. */
const nextBeginning = (period: Period, date: LocalDate): LocalDate =>
  period === "weekly"
    ? LocalTime.addDays(LocalTime.weekOf(date), 7)
    : LocalTime.monthOf(LocalTime.addDays(LocalTime.monthOf(date), 31))

/** The period that ends on the day before `beginning`. */
const endingBefore = (period: Period, beginning: LocalDate): Range => {
  const last = LocalTime.addDays(beginning, -1)
  return { first: beginningOf(period, last), last }
}

/** The latest week (from Monday to Sunday) or month that has ended. */
export const latest = (period: Period, facts: { readonly now: number; readonly timeZone: string }): Range =>
  endingBefore(period, beginningOf(period, DateRange.today(facts)))

/** The period before the given one. */
export const before = (period: Period, { first }: Range): Range => endingBefore(period, first)

/** When the next report is due, in milliseconds since 1970. */
export const nextDue = (
  period: Period,
  { now, timeZone }: { readonly now: number; readonly timeZone: string }
): number => {
  const today = DateRange.today({ now, timeZone })
  const current = LocalMorning.of(timeZone, beginningOf(period, today))
  return current > now ? current : LocalMorning.of(timeZone, nextBeginning(period, today))
}
