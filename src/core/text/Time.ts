/**
 * Reads the spans and moments that a person writes on a command line, writes moments as ISO 8601, and tells on which day one
 * is. Pure: the present is given. Moments are milliseconds since 1970, spans milliseconds.
 *
 * @module
 */
import { Option } from "effect"

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

export const dayMillis = units.d

/** The UTC day of a moment, in days since 1970. */
export const dayOf = (time: number): number => Math.floor(time / dayMillis)

/** The same as a date, `YYYY-MM-DD`. */
export const dateOf = (time: number): string => iso(time).slice(0, 10)

/** The longest span: a hundred years of 365 days. */
const maxSpan = 36_500 * units.d

/**
 * Reads `45s`, `30m`, `12h`, `90d`, `2w`: a whole number from 1 and a unit, a hundred years at most; none for anything else.
 */
export const parseSpan = (text: string): Option.Option<number> => {
  const match = /^([1-9][0-9]{0,9})([smhdw])$/.exec(text)
  if (match === null) return Option.none()
  const span = Number(match[1]) * units[match[2] as keyof typeof units]
  return span <= maxSpan ? Option.some(span) : Option.none()
}

const moment =
  /^(\d{4}-\d{2}-\d{2})(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,3})\d{0,6})?)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d))?$/

/** Midnight (UTC) of a `YYYY-MM-DD` that is in the calendar; a 30th of February is not. */
const parseDate = (text: string): Option.Option<number> => {
  const time = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(time) || dateOf(time) !== text ? Option.none() : Option.some(time)
}

/** How many minutes east of UTC `Z`, `+02:00` or `-05:30` says. */
const parseOffset = (text: string): number =>
  text === "Z" ? 0 : (text.startsWith("-") ? -1 : 1) * (Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6)))

/**
 * Reads an ISO 8601 date (`2026-03-01`, its midnight in UTC) or a time with its zone (`2026-03-01T12:00:00Z`,
 * `2026-03-01T12:00+02:00`). A time without a zone is none: it would mean another moment on another machine.
 */
export const parseMoment = (text: string): Option.Option<number> => {
  const match = moment.exec(text)
  if (match === null) return Option.none()
  const [, date = "", hours = "0", minutes = "0", seconds = "0", fraction = "", zone = "Z"] = match
  return Option.map(
    parseDate(date),
    (midnight) =>
      midnight +
      Number(hours) * units.h +
      (Number(minutes) - parseOffset(zone)) * units.m +
      Number(seconds) * units.s +
      Number(fraction.padEnd(3, "0"))
  )
}

/** Reads when something began: a span (so long before `now`) or a moment. */
export const parseSince = (text: string, now: number): Option.Option<number> =>
  Option.orElse(
    Option.map(parseSpan(text), (span) => now - span),
    () => parseMoment(text)
  )

/** Reads when something ends: a span (so long after `now`) or a moment that is still to come. */
export const parseUntil = (text: string, now: number): Option.Option<number> =>
  Option.filter(
    Option.orElse(
      Option.map(parseSpan(text), (span) => now + span),
      () => parseMoment(text)
    ),
    (time) => time > now
  )

/** A moment in ISO 8601, UTC, to the millisecond. */
export const iso = (time: number): string => new Date(time).toISOString()
