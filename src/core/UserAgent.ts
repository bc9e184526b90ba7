/**
 * What a `User-Agent` says of its sender. Pure.
 *
 * @module
 */
import Bowser from "bowser"
import { isbot } from "isbot"

export interface Client {
  /** The family, without a version: "Chrome", "Safari", ... or null. */
  readonly browser: string | null
  /** The family, without a version: "Windows", "iOS", ... or null. */
  readonly os: string | null
  readonly deviceType: "desktop" | "mobile" | "tablet" | "tv" | null
  readonly isBot: boolean
}

/** No browser's user agent is longer; the rest of a longer one is not read. */
export const maxLength = 1024

const deviceTypes = new Set(["desktop", "mobile", "tablet", "tv"] as const)
const isDeviceType = (type: string | undefined): type is NonNullable<Client["deviceType"]> =>
  (deviceTypes as ReadonlySet<string | undefined>).has(type)

/** Parses a `User-Agent` header; an absent one is the empty text, which is no robot's: privacy tools remove the header. */
export const parse = (userAgent: string): Client => {
  const text = userAgent.slice(0, maxLength)
  if (text === "") return { browser: null, os: null, deviceType: null, isBot: false }
  const parser = Bowser.getParser(text)
  const type = parser.getPlatformType(true)
  return {
    browser: parser.getBrowserName() || null,
    os: parser.getOSName() || null,
    deviceType: isDeviceType(type) ? type : null,
    isBot: isbot(text)
  }
}
