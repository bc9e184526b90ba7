/**
 * The time zones to choose from.
 *
 * @module
 */
import type { Choice } from "../parts/Choices.ts"

/** The difference of a time zone from UTC at a time, such as `UTC+05:30`. */
const offsetOf = (zone: string, time: number): string =>
  new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" })
    .formatToParts(time)
    .find(({ type }) => type === "timeZoneName")
    ?.value.replace("GMT", "UTC") ?? ""

let known: ReadonlyArray<Choice<string>> | undefined

/** UTC and the time zones that the browser knows, with their present differences from UTC as notes. */
export const zones = (): ReadonlyArray<Choice<string>> => {
  const now = Date.now()
  known ??= [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])]
    .sort()
    .map((zone) => [zone, zone.replaceAll("_", " "), offsetOf(zone, now)])
  return known
}
