/**
 * Parses the `User-Agent` header. Pure.
 *
 * @module
 */
import Bowser from "bowser"
import { isbot } from "isbot"

export interface Client {
  /** The family, without a version: "Chrome", "Safari", ... or null if it is unknown. */
  readonly browser: string | null
  /** The family, without a version: "Windows", "iOS", ... or null. */
  readonly os: string | null
  readonly deviceType: "desktop" | "mobile" | "tablet" | "tv" | null
  readonly isBot: boolean
}

/** The maximum length that is parsed, in UTF-16 units. No browser's user agent is longer. */
export const maxLength = 1024

const deviceTypes = new Set(["desktop", "mobile", "tablet", "tv"] as const)
const isDeviceType = (type: string | undefined): type is NonNullable<Client["deviceType"]> =>
  (deviceTypes as ReadonlySet<string | undefined>).has(type)

/**
 * The header's text up to `maxLength`; an absent header is the empty text. A truncated text is copied, since a V8 slice
 * keeps the whole header in memory.
 */
export const read = (header: string | undefined): string =>
  header === undefined || header.length <= maxLength
    ? (header ?? "")
    : Buffer.from(header.slice(0, maxLength), "utf16le").toString("utf16le")

/**
 * The families that Bowser recognizes. For any other user agent it returns a part of the text, which may be as long as the text
 * and name a person.
 */
const families: ReadonlySet<string | undefined> = new Set([
  ...Object.values(Bowser.BROWSER_MAP),
  // Bowser recognizes these too, but its map lacks them.
  ...["Miui", "Opera Touch", "PlayStation 4", "SlimerJS"]
])

/** Parses the result of `read`. The empty text is not a bot: privacy tools remove the header. */
export const parse = (text: string): Client => {
  if (text === "") return { browser: null, os: null, deviceType: null, isBot: false }
  const parser = Bowser.getParser(text)
  const browser = parser.getBrowserName()
  const type = parser.getPlatformType(true)
  return {
    browser: families.has(browser) ? browser : null,
    os: parser.getOSName() || null,
    deviceType: isDeviceType(type) ? type : null,
    isBot: isbot(text)
  }
}
