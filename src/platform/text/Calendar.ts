/**
 * UTC days, ISO 8601 timestamps, the times and durations that people write, and the names of time zones. Pure: the current time is
 * an argument. Times are in milliseconds since 1970, durations in milliseconds.
 *
 * @module
 */
import { DateTime, Option } from "effect"

export const hourMillis = 3_600_000

export const dayMillis = 24 * hourMillis

/** The UTC day of a time, in days since 1970. */
export const dayOf = (time: number): number => Math.floor(time / dayMillis)

/** The UTC date of a time, `YYYY-MM-DD`. */
export const dateOf = (time: number): string => iso(time).slice(0, 10)

/** ISO 8601, UTC, to the millisecond. */
export const iso = (time: number): string => new Date(time).toISOString()

/** A time in milliseconds since 1970 of an ISO 8601 text. */
export const parseOrNull = (text: string | null): number | null => (text === null ? null : Date.parse(text))

export const isoOrNull = (time: number | null): string | null => (time === null ? null : iso(time))

const units = { s: 1_000, m: 60_000, h: hourMillis, d: dayMillis, w: 7 * dayMillis } as const

/** The days of the longest duration: a hundred years of 365 days. */
export const maxDurationDays = 36_500

const maxDuration = maxDurationDays * units.d

/** Parses `45s`, `30m`, `12h`, `90d` or `2w`: a whole number from 1 and a unit, at most a hundred years. */
export const parseDuration = (text: string): Option.Option<number> => {
  const match = /^([1-9][0-9]{0,9})([smhdw])$/.exec(text)
  if (match === null) return Option.none()
  const duration = Number(match[1]) * units[match[2] as keyof typeof units]
  return duration <= maxDuration ? Option.some(duration) : Option.none()
}

const timestamp =
  /^(\d{4}-\d{2}-\d{2})(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d))?$/

/** Whether a date exists, unlike February 30, which JavaScript reads as a day of March. */
const exists = (date: string): boolean => {
  const midnight = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(midnight) && dateOf(midnight) === date
}

/** The years of a timestamp have four digits, so that `iso` can write it. */
const isWritable = (time: number): boolean => time < Date.UTC(10_000, 0)

/**
 * Parses an ISO 8601 date (`2026-03-01`, which means its midnight in UTC) or a timestamp with a time zone
 * (`2026-03-01T12:00:00Z`, `2026-03-01T12:00+02:00`). None for a timestamp without a time zone, whose meaning would depend on
 * the machine.
 */
export const parseTimestamp = (text: string): Option.Option<number> => {
  const date = timestamp.exec(text)?.[1]
  return date !== undefined && exists(date) ? Option.liftPredicate(Date.parse(text), isWritable) : Option.none()
}

/** Parses a start: a duration before `now`, or a timestamp. */
export const parseSince = (text: string, now: number): Option.Option<number> =>
  Option.orElse(
    Option.map(parseDuration(text), (duration) => now - duration),
    () => parseTimestamp(text)
  )

/** Parses an end: a duration after `now`, or a timestamp later than `now`. */
export const parseUntil = (text: string, now: number): Option.Option<number> =>
  Option.filter(
    Option.orElse(
      Option.map(parseDuration(text), (duration) => now + duration),
      () => parseTimestamp(text)
    ),
    (time) => time > now
  )

/** A name such as `UTC` or `Europe/Berlin`, not an offset such as `+01:00`. */
const namePattern = /^[a-z][a-z0-9_+-]*(\/[a-z0-9_+-]+)*$/i

/**
 * Parses the name of an IANA time zone that the runtime knows, in upper or lower case. Returns the name as it was written, because the runtime may
 * replace it with an older name of the zone.
 */
export const parseTimeZone = (text: string): Option.Option<string> =>
  text.length <= 64 && namePattern.test(text) ? Option.as(DateTime.zoneMakeNamed(text), text) : Option.none()
