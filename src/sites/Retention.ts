/**
 * How long visitors' data is kept. Pure: the time is an argument.
 *
 * Page views are partitioned by UTC month and deleted by whole months, once a month's last moment has expired. A page view
 * is therefore kept for at least the retention and for up to a month longer.
 *
 * @module
 */
import { Option } from "effect"
import { dayMillis } from "../platform/text/Calendar.ts"

/** A number of days of 24 hours, or of calendar months. */
export interface Retention {
  readonly count: number
  readonly unit: "days" | "months"
}

/** The maximum retention: a hundred years. */
const max = { days: 36_500, months: 1_200 } as const

/** Parses `90 days`, `1 day` or `25 months`: a whole number from 1, at most a hundred years. */
export const parse = (text: string): Option.Option<Retention> => {
  const match = /^([1-9][0-9]{0,4}) (day|month)s?$/.exec(text)
  if (match === null) return Option.none()
  const unit = match[2] === "day" ? "days" : "months"
  const count = Number(match[1])
  return count <= max[unit] ? Option.some({ count, unit }) : Option.none()
}

/** The text of a retention, which `parse` reads. */
export const format = ({ count, unit }: Retention): string => `${count} ${count === 1 ? unit.slice(0, -1) : unit}`

/** The first moment of the UTC month that is `offset` months from `time`. Times are milliseconds since 1970. */
const startOfMonth = (time: number, offset = 0): number => {
  const date = new Date(time)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1)
}

/**
 * The time before which data has expired at `now`. For months, it is the same day and time in an earlier month. If the earlier
 * month is too short, it is that month's end, so that the cutoff never moves backwards.
 */
export const cutoff = ({ count, unit }: Retention, now: number): number =>
  unit === "days"
    ? now - count * dayMillis
    : Math.min(startOfMonth(now, -count) + (now - startOfMonth(now)), startOfMonth(now, 1 - count))

/** The first moment of the oldest month whose page views are kept at `now`. */
export const firstMonth = (retention: Retention, now: number): number => startOfMonth(cutoff(retention, now))

/** A partition of page views. */
export interface Partition {
  readonly name: string
  /** The upper bound of its rows' times, exclusive; null if it is unbounded. */
  readonly to: number | null
}

/** The partitions whose rows have all expired at `now`. */
export const expired = <P extends Partition>(
  retention: Retention,
  partitions: ReadonlyArray<P>,
  now: number
): ReadonlyArray<P> => {
  const first = firstMonth(retention, now)
  return partitions.filter(({ to }) => to !== null && to <= first)
}
