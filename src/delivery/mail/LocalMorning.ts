/**
 * The time of day at which daily digests and reports are sent: eight o'clock in the website's time zone. Pure.
 *
 * @module
 */
import * as DateRange from "../../analytics/reports/DateRange.ts"
import * as LocalTime from "../../analytics/reports/LocalTime.ts"
import type { LocalDate } from "../../analytics/reports/Query.ts"
import { hourMillis } from "../../platform/text/Calendar.ts"

const eightHours = 8 * hourMillis

/** Eight o'clock on a date, in milliseconds since 1970. */
export const of = (timeZone: string, date: LocalDate): number => {
  const { startOf, toLocal } = LocalTime.zone(timeZone)
  const local = LocalTime.midnight(date) + eightHours
  const near = startOf(date) + eightHours
  // The clocks may have changed since midnight.
  return near - (toLocal(near) - local)
}

/** The first eight o'clock after a time. */
export const after = (timeZone: string, time: number): number => {
  const today = DateRange.today({ now: time, timeZone })
  const morning = of(timeZone, today)
  return morning > time ? morning : of(timeZone, LocalTime.addDays(today, 1))
}
