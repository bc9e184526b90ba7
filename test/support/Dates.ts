/**
 * Times and time zones for the properties of code about dates.
 *
 * @module
 */
import { Schema } from "effect"
import { hourMillis } from "../../src/platform/text/Calendar.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** The hours around a midnight in UTC, in which the date changes in every zone. */
const around = (date: string) => {
  const midnight = Date.parse(date)
  return between(midnight - 14 * hourMillis, midnight + 14 * hourMillis)
}

/** Any time from 2020 to 2100, often at the end of a month or a year, on a leap day, or at a clock change. */
export const Time = Schema.Union([
  between(Date.UTC(2020, 0, 1), Date.UTC(2100, 0, 1)),
  ...["2026-02-01", "2027-03-01", "2028-02-29", "2028-03-01", "2026-12-01", "2027-01-01", "2029-01-01"].map(around),
  // Clock changes: New York and Havana, Berlin and Beirut, Lord Howe and Santiago, Cairo.
  ...["2026-03-08", "2026-11-01", "2026-03-29", "2026-10-25", "2026-04-05", "2026-10-04"].map(around),
  ...["2026-09-06", "2026-04-24", "2026-10-30"].map(around)
])

/** Zones with odd offsets and with clocks that change at midnight, by half an hour or by two hours. */
export const TimeZone = Schema.Literals([
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/St_Johns",
  "America/Havana",
  "America/Santiago",
  "Africa/Cairo",
  "Asia/Kathmandu",
  "Asia/Beirut",
  "Australia/Lord_Howe",
  "Antarctica/Troll",
  "Pacific/Apia",
  "Pacific/Kiritimati"
])
