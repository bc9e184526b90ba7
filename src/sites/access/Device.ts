/**
 * The name of a browser in a person's list of devices. Pure.
 *
 * @module
 */
import Bowser from "bowser"

/** Longer texts are not from browsers. */
const maxLength = 1_024

const browsers: ReadonlySet<string> = new Set(Object.values(Bowser.BROWSER_MAP))
const systems: ReadonlySet<string> = new Set(Object.values(Bowser.OS_MAP))

/** Such as `Firefox on Linux`; null if the header names no known browser. Nothing else of the header is in it. */
export const of = (userAgent: string | undefined): string | null => {
  if (userAgent === undefined || userAgent === "" || userAgent.length > maxLength) return null
  const parser = Bowser.getParser(userAgent)
  const [browser, system] = [parser.getBrowserName(), parser.getOSName()]
  if (!browsers.has(browser)) return null
  return systems.has(system) ? `${browser} on ${system}` : browser
}
