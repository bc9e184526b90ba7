/**
 * The time zones to choose from. Pure.
 *
 * @module
 */

/** The time zones that the browser knows, and the current one, as options with labels. */
export const zonesWith = (current: string): ReadonlyArray<readonly [string, string]> =>
  [...new Set([current, "UTC", ...Intl.supportedValuesOf("timeZone")])].sort().map((zone) => [zone, zone])
