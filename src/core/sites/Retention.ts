/**
 * How long a database keeps what visitors left, and what of it is too old. Pure: the time is given.
 *
 * Page views are kept in partitions of a UTC month and are forgotten by whole months: a month goes when its last moment is
 * too old. So a page view is kept for at least the retention, and for up to a month more.
 *
 * @module
 */
import { Option } from "effect"

/** So many days of 24 hours, or calendar months. */
export interface Retention {
  readonly count: number
  readonly unit: "days" | "months"
}

const dayMillis = 86_400_000

/** The longest that can be asked for, a hundred years. */
const most = { days: 36_500, months: 1_200 } as const

/** Reads `90 days`, `1 day`, `25 months`: a whole number from 1, a hundred years at most; none for anything else. */
export const parse = (text: string): Option.Option<Retention> => {
  const match = /^([1-9][0-9]{0,4}) (day|month)s?$/.exec(text)
  if (match === null) return Option.none()
  const unit = match[2] === "day" ? "days" : "months"
  const count = Number(match[1])
  return count <= most[unit] ? Option.some({ count, unit }) : Option.none()
}

/** When the UTC month of a time began, or another one `offset` months from it; in milliseconds since 1970, as all times. */
const monthOf = (time: number, offset = 0): number => {
  const date = new Date(time)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1)
}

/**
 * What came before it is too old at `now`. So many months ago is the same day and time of that month; of a month that has
 * no such day it is its end, so that a later time never begins earlier.
 */
export const begin = ({ count, unit }: Retention, now: number): number =>
  unit === "days"
    ? now - count * dayMillis
    : Math.min(monthOf(now, -count) + (now - monthOf(now)), monthOf(now, 1 - count))

/** The beginning of the first month of which page views are kept at `now`; all before it is forgotten. */
export const firstMonth = (retention: Retention, now: number): number => monthOf(begin(retention, now))

/** A partition of page views. */
export interface Partition {
  readonly name: string
  /** Its rows are older than that; null if nothing is known of their age. */
  readonly to: number | null
}

/** Those of the partitions that hold nothing but what is forgotten at `now`. */
export const expired = <P extends Partition>(
  retention: Retention,
  partitions: ReadonlyArray<P>,
  now: number
): ReadonlyArray<P> => {
  const first = firstMonth(retention, now)
  return partitions.filter(({ to }) => to !== null && to <= first)
}
