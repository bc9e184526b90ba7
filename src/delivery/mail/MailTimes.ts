/**
 * When mails are made, and about what: which submissions go into one mail, and which period a report covers. Daily digests and reports
 * are sent at eight o'clock in the website's time zone. Pure: the time and the time zone are arguments.
 *
 * Without a digest each submission has a mail of its own, up to ten mails in an hour. Beyond that, all waiting submissions go into one
 * mail, a quarter of an hour after the last mail, so that an attack fills no mailbox and a busy day remains readable.
 *
 * @module
 */
import * as DateRange from "../../analytics/reports/DateRange.ts"
import * as LocalTime from "../../analytics/reports/LocalTime.ts"
import type { LocalDate } from "../../analytics/reports/Query.ts"
import { hourMillis } from "../../platform/text/Calendar.ts"
import type { Digest, Period } from "./Notification.ts"

const eightHours = 8 * hourMillis

/** Eight o'clock on a date, in milliseconds since 1970. */
export const morningOf = (timeZone: string, date: LocalDate): number => {
  const { startOf, toLocal } = LocalTime.zone(timeZone)
  const local = LocalTime.midnight(date) + eightHours
  const near = startOf(date) + eightHours
  // The clocks may have changed since midnight.
  return near - (toLocal(near) - local)
}

/** The first eight o'clock after a time. */
export const morningAfter = (timeZone: string, time: number): number => {
  const today = DateRange.today({ now: time, timeZone })
  const morning = morningOf(timeZone, today)
  return morning > time ? morning : morningOf(timeZone, LocalTime.addDays(today, 1))
}

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
  const current = morningOf(timeZone, beginningOf(period, today))
  return current > now ? current : morningOf(timeZone, nextBeginning(period, today))
}

/** Each submission has its own mail only if the recipient then gets at most this many mails within an hour. */
export const maxSingles = 10

/** The time for which the digest `15m` collects submissions, and the time between two mails beyond `maxSingles`. */
export const quarterMillis = 900_000

/** The maximum number of submissions of a mail. */
export const maxItems = 5_000

/** What waits for one recipient. Times are milliseconds since 1970. */
export interface Waiting {
  readonly digest: Digest | null
  readonly timeZone: string
  /** The number of waiting submissions. */
  readonly count: number
  /** When the oldest of these submissions was stored. */
  readonly oldestAt: number
  /** When the recipient's mails of the last hour were created, in any order. */
  readonly mailedAt: ReadonlyArray<number>
}

export interface Plan {
  /** The number of submissions of each mail to make now, oldest first. */
  readonly mails: ReadonlyArray<number>
  /** When to decide about the remaining submissions; null if none remain. */
  readonly nextAt: number | null
}

/** One mail with the waiting submissions, at most `maxItems`, once the mail is due. */
const together = ({ count }: Waiting, dueAt: number, now: number): Plan => {
  if (now < dueAt) return { mails: [], nextAt: dueAt }
  return { mails: [Math.min(count, maxItems)], nextAt: count > maxItems ? now + quarterMillis : null }
}

export const planDigest = (waiting: Waiting, now: number): Plan => {
  if (waiting.count === 0) return { mails: [], nextAt: null }
  if (waiting.digest === "15m") return together(waiting, waiting.oldestAt + quarterMillis, now)
  if (waiting.digest === "daily") {
    return together(waiting, morningAfter(waiting.timeZone, waiting.oldestAt), now)
  }
  const mailedAt = waiting.mailedAt.filter((time) => now - time < hourMillis)
  if (mailedAt.length + waiting.count <= maxSingles) return { mails: Array(waiting.count).fill(1), nextAt: null }
  return together(waiting, Math.max(...mailedAt, Number.NEGATIVE_INFINITY) + quarterMillis, now)
}
