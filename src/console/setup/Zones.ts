/**
 * The time zones to choose from. Pure.
 *
 * @module
 */

/** UTC, the time zones that the browser knows, and the current one, as choices with labels. */
export const zonesWith = (current: string): ReadonlyArray<readonly [string, string]> =>
  [...new Set([current, "UTC", ...Intl.supportedValuesOf("timeZone")])].sort().map((zone) => [zone, zone])
