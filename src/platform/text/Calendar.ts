/**
 * UTC days and ISO 8601 timestamps. Times are in milliseconds since 1970. Pure.
 *
 * @module
 */

export const hourMillis = 3_600_000

export const dayMillis = 24 * hourMillis

/** The UTC day of a time, in days since 1970. */
export const dayOf = (time: number): number => Math.floor(time / dayMillis)

/** The UTC date of a time, `YYYY-MM-DD`. */
export const dateOf = (time: number): string => iso(time).slice(0, 10)

/** ISO 8601, UTC, to the millisecond. */
export const iso = (time: number): string => new Date(time).toISOString()

export const isoOrNull = (time: number | null): string | null => (time === null ? null : iso(time))
