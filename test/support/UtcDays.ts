/** UTC dates up to a time, for queries by day. */
import { dateOf, dayMillis } from "../../src/platform/text/Calendar.ts"

/** The last `days` UTC days up to the day of `now`. */
export const lastDays = (days: number, now: number): { readonly first: string; readonly last: string } => ({
  first: dateOf(now - (days - 1) * dayMillis),
  last: dateOf(now)
})
