/**
 * Page views: what a browser sends, what the server adds, and the record that is stored. The time, the address and
 * the salt of the date are arguments. The address is used for the visitor hash only.
 *
 * @module
 */
import { hash } from "node:crypto"
import Bowser from "bowser"
import { isbot } from "isbot"
import { clientKey } from "../platform/limits/ClientAddress.ts"
import * as Text from "../platform/text/Text.ts"
import type { PageViewPayload } from "./Api.ts"
import * as ReferrerSpam from "./ReferrerSpam.ts"

/** What replaces an email address. */
export const masked = "(email)"

/** An `@`, also percent-encoded. */
const marks = /@|%40/g

/** 64 is the maximum length of the name before the mark (RFC 5321); a percent-encoded one may be longer. */
const maxName = 192
const notInName = /[\s/?#&=,;:<>()[\]"@]/

/** A byte of a letter outside ASCII, percent-encoded as in a browser's paths. */
const byte = "%[89A-Fa-f][\\dA-Fa-f]"
const letter = `(?:[\\p{L}\\p{M}]|${byte})`
const letterOrDigit = `(?:[\\p{L}\\p{M}\\p{N}]|${byte})`
const inLabel = `(?:[\\p{L}\\p{M}\\p{N}-]|${byte})`

/** The domain after the mark. Its last label begins with a letter, so that a version such as `1.2.3` is not a domain. */
const domain = new RegExp(`(?:${inLabel}{1,63}\\.)+${letter}${inLabel}{0,61}${letterOrDigit}`, "uy")

/**
 * The text with each email address replaced by `masked`: the texts of page views and events are stored without data of persons.
 *
 * Takes time linear in the length of the text: for each `@`, it reads a bounded number of characters before the `@`, and those
 * after it up to the next `@`.
 */
export const maskEmails = (text: string): string => {
  if (!text.includes("@") && !text.includes("%40")) return text
  let result = ""
  let copied = 0
  for (const { 0: mark, index } of text.matchAll(marks)) {
    if (index < copied) continue
    domain.lastIndex = index + mark.length
    if (!domain.test(text)) continue
    const first = Math.max(copied, index - maxName)
    let start = index
    while (start > first && !notInName.test(text.charAt(start - 1))) start--
    if (start === index) continue
    result += text.slice(copied, start) + masked
    copied = domain.lastIndex
  }
  return result + text.slice(copied)
}

export interface Campaign {
  readonly source: string | null
  readonly medium: string | null
  readonly name: string | null
  readonly term: string | null
  readonly content: string | null
}

/** Why a page view is stored apart from the counted ones: see `parseUserAgent` and `ReferrerSpam`. */
export const exclusions = ["bot", "referrer-spam"] as const

export type Exclusion = (typeof exclusions)[number]

/** What page views and events have in common. */
export interface Received {
  readonly hostedWebsiteId: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  /** The path without its query and fragment. */
  readonly path: string
  readonly sessionId: string | null
  /** 16 bytes, as 32 hexadecimal digits; see `visitorHash`. */
  readonly visitorHash: string
  readonly deviceType: string | null
  readonly browser: string | null
  readonly os: string | null
  /** Two capital letters of ISO 3166-1, or null. */
  readonly country: string | null
}

/** A stored page view. Its texts hold no NUL and no lone surrogate. Its path, campaign and referrer hold no email address. */
export interface PageView extends Received {
  readonly campaign: Campaign
  readonly referrerHost: string | null
  readonly referrerPath: string | null
  /** CSS pixels, 1 to 32767, or null. */
  readonly screenWidth: number | null
  /** Null for a view that counts. */
  readonly exclusion: Exclusion | null
}

/** What the `User-Agent` header tells. */
export interface Client {
  /** The family, without a version: "Chrome", "Safari", ... or null if it is unknown. */
  readonly browser: string | null
  /** The family, without a version: "Windows", "iOS", ... or null. */
  readonly os: string | null
  readonly deviceType: "desktop" | "mobile" | "tablet" | "tv" | null
  readonly isBot: boolean
}

/** The maximum length that is parsed, in UTF-16 units. No browser's user agent is longer. */
export const maxUserAgent = 1024

const deviceTypes = new Set(["desktop", "mobile", "tablet", "tv"] as const)
const isDeviceType = (type: string | undefined): type is NonNullable<Client["deviceType"]> =>
  (deviceTypes as ReadonlySet<string | undefined>).has(type)

/**
 * The `User-Agent` header's text up to `maxUserAgent`; an absent header is the empty text. A truncated text is copied, since a V8 slice
 * keeps the whole header in memory.
 */
export const readUserAgent = (header: string | undefined): string =>
  header === undefined || header.length <= maxUserAgent
    ? (header ?? "")
    : Buffer.from(header.slice(0, maxUserAgent), "utf16le").toString("utf16le")

/**
 * The families that Bowser recognizes. For any other user agent it returns a part of the text, which may be as long as the text
 * and name a person.
 */
const families: ReadonlySet<string | undefined> = new Set([
  ...Object.values(Bowser.BROWSER_MAP),
  // Bowser recognizes these too, but its map lacks them.
  ...["Miui", "Opera Touch", "PlayStation 4", "SlimerJS"]
])

/** Parses the result of `readUserAgent`. The empty text is not a bot: privacy tools remove the header. */
export const parseUserAgent = (text: string): Client => {
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

/** What a browser sends. */
export type SentPageView = Omit<PageViewPayload, "site_id" | "referrer">

/** What the server adds to a page view or an event. */
export interface VisitorFacts {
  readonly hostedWebsiteId: string
  readonly receivedAt: number
  /** The client's address. It is hashed, never stored. */
  readonly address: string
  readonly userAgent: string
  readonly client: Client
  /** The country of the address, looked up before the address is discarded. */
  readonly country: string | null
  /** The secret of the date in the website's time zone; see `VisitorSalts`. */
  readonly salt: Uint8Array
}

/** The maximum length of each text, in UTF-16 units. Longer texts are truncated. */
export const bounds = { campaign: 255, deviceType: 32, host: 255, path: 2048, sessionId: 128 } as const

const maxScreenWidth = 32_767

const noCampaign: Campaign = { source: null, medium: null, name: null, term: null, content: null }

/** Any letter of a parameter's name may be percent-encoded. */
const mayNameCampaign = /utm_|%/

/** Splits a `page_path` into its path and the `utm_*` campaign of its query. The origin of an absolute URL is dropped. */
export const splitPath = (pagePath: string): { readonly path: string; readonly campaign: Campaign } => {
  const pathAndQuery = pagePath.startsWith("/") ? pagePath : pagePath.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "")
  const fragmentStart = pathAndQuery.indexOf("#")
  const withoutFragment = fragmentStart === -1 ? pathAndQuery : pathAndQuery.slice(0, fragmentStart)
  const mark = withoutFragment.indexOf("?")
  const path =
    Text.storable(maskEmails(mark === -1 ? withoutFragment : withoutFragment.slice(0, mark)), bounds.path) || "/"
  if (mark === -1 || !mayNameCampaign.test(withoutFragment)) return { path, campaign: noCampaign }
  const query = new URLSearchParams(withoutFragment.slice(mark + 1))
  const campaign = (key: string) => Text.storableOrNull(maskEmails(query.get(key) ?? ""), bounds.campaign)
  return {
    path,
    campaign: {
      source: campaign("utm_source"),
      medium: campaign("utm_medium"),
      name: campaign("utm_campaign"),
      term: campaign("utm_term"),
      content: campaign("utm_content")
    }
  }
}

export interface Referrer {
  readonly host: string | null
  readonly path: string | null
  readonly isSpam: boolean
}

export const noReferrer: Referrer = { host: null, path: null, isSpam: false }

/** The host and path of a referrer. The query is dropped: it may hold secrets of another site. */
export const splitReferrer = (referrer: string | null | undefined): Referrer => {
  const url = referrer ? URL.parse(referrer) : null
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return noReferrer
  return {
    host: Text.storableOrNull(url.host, bounds.host),
    path: Text.storableOrNull(maskEmails(url.pathname), bounds.path),
    isSpam: ReferrerSpam.isSpam(url.host)
  }
}

const withoutWww = (host: string): string => (host.startsWith("www.") ? host.slice(4) : host)

/**
 * The referrer, or `noReferrer` if it is a page of the website itself: its host, with or without "www.", is that of the
 * page's `origin` or of one of the website's `origins`. Origins are canonical (`Origin.canonical`), and a non-default port
 * is part of the host.
 */
export const foreignReferrer = (
  referrer: Referrer,
  origin: string | null,
  origins: ReadonlyArray<string>
): Referrer => {
  if (referrer.host === null) return referrer
  const host = withoutWww(referrer.host)
  const isOwn = (own: string) => withoutWww(own.slice(own.indexOf("//") + 2)) === host
  return (origin !== null && isOwn(origin)) || origins.some(isOwn) ? noReferrer : referrer
}

/** The device type that the browser gave, or one derived from the user agent or the screen width in CSS pixels. */
export const deviceType = (
  given: string | null | undefined,
  client: Client,
  screenWidth: number | null
): string | null => {
  if (given) return Text.storable(given, bounds.deviceType)
  if (client.deviceType !== null) return client.deviceType
  if (screenWidth === null) return null
  return screenWidth < 576 ? "mobile" : screenWidth < 992 ? "tablet" : "desktop"
}

/** The hexadecimal text of each salt. A `WeakMap`, so that dropping a salt drops its text. */
const secrets = new WeakMap<Uint8Array, string>()

const secretOf = (salt: Uint8Array): string => {
  let secret = secrets.get(salt)
  if (secret === undefined) {
    secret = Buffer.from(salt.buffer, salt.byteOffset, salt.byteLength).toString("hex")
    secrets.set(salt, secret)
  }
  return secret
}

/**
 * Identifies a visitor of one site on one date: the first 16 bytes of SHA-512/256 over the date's salt, the site, the address
 * (of an IPv6 address its first 64 bits: a device changes the others at any time) and the user agent. Once the salt is deleted, the hash can be neither recomputed nor tested against a guess.
 *
 * A hash with a secret prefix of fixed length is a sound keyed hash if the digest is only part of the hash's state, as in
 * SHA-512/256 (NIST FIPS 180-4, 6.7). It costs a quarter of an HMAC. The input is text because Node hashes bytes at twice
 * the cost.
 */
export const visitorHash = (facts: Pick<VisitorFacts, "hostedWebsiteId" | "address" | "userAgent" | "salt">): string =>
  hash(
    "sha512-256",
    `${secretOf(facts.salt)}${facts.hostedWebsiteId}\0${clientKey(facts.address)}\0${facts.userAgent}`
  ).slice(0, 32)

/** The session id as it is stored; null if there is none. */
export const sessionIdOf = (sent: string | null | undefined): string | null =>
  Text.storableOrNull(sent, bounds.sessionId)

/** Why a view with these facts is stored apart; null if it counts. */
export const exclusionOf = ({ client }: Pick<VisitorFacts, "client">, referrer: Referrer): Exclusion | null =>
  client.isBot ? "bot" : referrer.isSpam ? "referrer-spam" : null

/** @param referrer the result of `splitReferrer` and then `foreignReferrer` */
export const make = (sent: SentPageView, facts: VisitorFacts, referrer: Referrer): PageView => {
  const { campaign, path } = splitPath(sent.page_path)
  const width = sent.screen_width ?? null
  const screenWidth = width !== null && width >= 1 && width <= maxScreenWidth ? width : null
  return {
    hostedWebsiteId: facts.hostedWebsiteId,
    receivedAt: facts.receivedAt,
    path,
    campaign,
    referrerHost: referrer.host,
    referrerPath: referrer.path,
    deviceType: deviceType(sent.device_type, facts.client, screenWidth),
    screenWidth,
    sessionId: sessionIdOf(sent.session_id),
    browser: facts.client.browser,
    os: facts.client.os,
    visitorHash: visitorHash(facts),
    country: facts.country,
    exclusion: exclusionOf(facts, referrer)
  }
}
