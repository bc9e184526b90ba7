/**
 * Wall clocks and days of a time zone, clock changes included. Times are in milliseconds since 1970. A local
 * time is such a number too: its UTC date and hour are those that the wall clock shows. Pure.
 *
 * @module
 */
import { DateTime } from "effect"
import { dateOf, dayMillis, dayOf } from "../../platform/text/Calendar.ts"
import { memoize } from "../../platform/text/Memo.ts"
import type { LocalDate } from "./Query.ts"

/** `date` is `YYYY-MM-DD`. `end` is the start of the next day. A day has 23 to 25 hours in most zones. */
export interface Day {
  readonly date: LocalDate
  readonly start: number
  readonly end: number
}

/** The time in which the wall clock shows one hour, usually 60 minutes; see `hours`. `label` is `YYYY-MM-DD HH:00:00`. */
export interface Hour {
  readonly label: string
  readonly start: number
  readonly end: number
}

/** Clocks change at whole minutes. */
const minute = 60_000

const hour = 60 * minute

/** In every zone, hours begin at a quarter of an hour of UTC, also after a clock change. */
const quarter = 15 * minute

export interface Zone {
  /** The local time of a time. */
  readonly toLocal: (time: number) => number
  /** When a date begins: at midnight, or at the clock change that skips it. */
  readonly startOf: (date: LocalDate) => number
  /** `days` of this zone. `range` is the first and the last date with a space between them. */
  readonly daysOf: (range: string) => ReadonlyArray<Day>
}

/** The maximum number of cached offsets per zone: more than a query of ten years looks up. */
const maxOffsets = 20_000

/** The maximum number of cached ranges of days per zone: the queries of a dashboard share a few ranges. */
const maxRanges = 10

const makeZone = (timeZone: string): Zone => {
  const named = DateTime.zoneMakeNamedUnsafe(timeZone)
  const offsetAt = memoize(
    (key: number) => DateTime.zonedOffset(DateTime.makeZonedUnsafe(key * minute, { timeZone: named })),
    maxOffsets
  )
  const offset = (time: number): number => offsetAt(Math.floor(time / minute))
  const startOf = (date: LocalDate): number => {
    const local = midnight(date)
    const [before, after] = [offset(local - dayMillis), offset(local + dayMillis)]
    if (before === after) return local - before
    // The clocks change near this midnight. A day begins at the first of two midnights, or at the change that skips midnight.
    return [before, after].map((each) => local - each).find((time) => time + offset(time) === local) ?? local - before
  }
  const daysOf = (range: string): ReadonlyArray<Day> => {
    const [first = "", last = ""] = range.split(" ")
    const found: Array<Day> = []
    let start = startOf(first)
    for (let date = first; date <= last; ) {
      const next = addDays(date, 1)
      const end = startOf(next)
      found.push({ date, start, end })
      date = next
      start = end
    }
    return found
  }
  return { toLocal: (time) => time + offset(time), startOf, daysOf: memoize(daysOf, maxRanges) }
}

/**
 * The wall clock of the zone with an IANA name. Caches some ranges of days, and offsets, because the lookup of one offset takes
 * longer than all other work for a day.
 */
export const zone: (timeZone: string) => Zone = memoize(makeZone, 100)

/** The date of a time in a time zone, in days since 1970. */
export const dayAt = (timeZone: string, time: number): number => dayOf(zone(timeZone).toLocal(time))

/** Midnight of a date as a local time. */
export const midnight = (date: LocalDate): number => Date.parse(`${date}T00:00:00Z`)

export const addDays = (date: LocalDate, days: number): LocalDate => dateOf(midnight(date) + days * dayMillis)

/** The number of days from `first` to `last`, both included. */
export const countDays = (first: LocalDate, last: LocalDate): number =>
  dayOf(midnight(last)) - dayOf(midnight(first)) + 1

/** Days since Monday. 1970-01-01 was a Thursday. */
const weekday = (date: LocalDate): number => (((dayOf(midnight(date)) + 3) % 7) + 7) % 7

/** The Monday of a date's week. */
export const weekOf = (date: LocalDate): LocalDate => addDays(date, -weekday(date))

/** The first day of a date's month. */
export const monthOf = (date: LocalDate): LocalDate => `${date.slice(0, 7)}-01`

/** The time on a date at which the wall clock shows the same as at a time; the nearest time of the date if it never does. */
export const sameTimeOn = (timeZone: string, date: LocalDate, time: number): number => {
  const { startOf, toLocal } = zone(timeZone)
  const local = toLocal(time)
  const wanted = midnight(date) + (local - midnight(dateOf(local)))
  const [start, end] = [startOf(date), startOf(addDays(date, 1))]
  const guess = start + (wanted - midnight(date))
  return Math.min(end, Math.max(start, guess - (toLocal(guess) - wanted)))
}

/** The days from `first` to `last`, both included. */
export const days = (timeZone: string, first: LocalDate, last: LocalDate): ReadonlyArray<Day> =>
  zone(timeZone).daysOf(`${first} ${last}`)

/** The label of a local time's hour. */
export const hourOf = (local: number): string => `${new Date(local).toISOString().slice(0, 13).replace("T", " ")}:00:00`

/**
 * The local hours of a day, in the order of time. An hour that a clock change repeats is one entry, two hours long. If a change
 * repeats more than an hour, the repeated hours are separate entries with the same labels.
 */
export const hours = (timeZone: string, day: Day): ReadonlyArray<Hour> => {
  const { toLocal } = zone(timeZone)
  const local = midnight(day.date)
  const isPlain =
    day.end - day.start === dayMillis &&
    toLocal(day.start) === local &&
    toLocal(day.end - minute) === local + dayMillis - minute
  // Looking up the offset of every quarter takes a hundred times as long.
  if (isPlain) {
    return Array.from({ length: 24 }, (_, index) => ({
      label: hourOf(local + index * hour),
      start: day.start + index * hour,
      end: day.start + (index + 1) * hour
    }))
  }
  const found: Array<{ label: string; start: number; end: number }> = []
  for (let start = day.start; start < day.end; start += quarter) {
    const label = hourOf(toLocal(start))
    const end = Math.min(start + quarter, day.end)
    const last = found.at(-1)
    if (last?.label === label) last.end = end
    else found.push({ label, start, end })
  }
  return found
}

/** A zone's offset from UTC, valid from `start` until the `start` of the next one. */
export interface Offset {
  readonly start: number
  readonly offset: number
}

/** The minute at which the offset changes to `later`, between `start` (before the change) and `end` (after it). */
const changeTo = (later: number, offsetAt: (time: number) => number, start: number, end: number): number => {
  let [before, after] = [start, end]
  while (after - before > minute) {
    const middle = before + Math.floor((after - before) / (2 * minute)) * minute
    if (offsetAt(middle) === later) after = middle
    else before = middle
  }
  return after
}

/** The offsets of a zone in successive days, oldest first. No clock changes twice within six hours. */
export const offsets = (timeZone: string, days: ReadonlyArray<Day>): ReadonlyArray<Offset> => {
  const { toLocal } = zone(timeZone)
  const offsetAt = (time: number) => toLocal(time) - time
  const [first, last] = [days[0]?.start ?? 0, days.at(-1)?.end ?? 0]
  const found = [{ start: first, offset: offsetAt(first) }]
  for (let start = first; start < last; start += 6 * hour) {
    const end = Math.min(start + 6 * hour, last)
    const [offset, later] = [offsetAt(start), offsetAt(end)]
    if (offset !== later) found.push({ start: changeTo(later, offsetAt, start, end), offset: later })
  }
  return found
}

/**
 * When a range begins (`since`) and ends (`before`) whose bounds are days in a time zone, both included, or ISO 8601 times, of which
 * the end is not included. Without `from` or `to`, the range is open at that end.
 */
export const boundsOf = (
  { from, to }: { readonly from?: string | undefined; readonly to?: string | undefined },
  timeZone: string
): { readonly since: number | undefined; readonly before: number | undefined } => {
  const { startOf } = zone(timeZone)
  const at = (bound: string, days: number) => (bound.includes("T") ? Date.parse(bound) : startOf(addDays(bound, days)))
  return {
    since: from === undefined ? undefined : at(from, 0),
    before: to === undefined ? undefined : at(to, 1)
  }
}
