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

/**
 * What is read of a `User-Agent` header; an absent one is the empty text. A part of a longer one is copied: cut off as V8
 * does, it would hold the whole for as long as it is remembered.
 */
export const read = (header: string | undefined): string =>
  header === undefined || header.length <= maxLength
    ? (header ?? "")
    : Buffer.from(header.slice(0, maxLength), "utf16le").toString("utf16le")

/** Parses what was read of a `User-Agent`; the empty text is no robot's: privacy tools remove the header. */
export const parse = (text: string): Client => {
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
