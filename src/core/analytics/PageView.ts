/**
 * What is kept of a page view, and how it is made from what a browser sent. Pure: the time, the address and the day's
 * salt are given; the address goes into the visitor's hash and nowhere else.
 *
 * @module
 */
import { hash } from "node:crypto"
import type { Client } from "./UserAgent.ts"

export interface Campaign {
  readonly source: string | null
  readonly medium: string | null
  readonly name: string | null
  readonly term: string | null
  readonly content: string | null
}

/** A page view as it is stored. No text in it holds a NUL or a lone surrogate. */
export interface PageView {
  readonly hostedWebsiteId: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  /** The path without its query and fragment. */
  readonly path: string
  readonly campaign: Campaign
  readonly referrerHost: string | null
  readonly referrerPath: string | null
  readonly deviceType: string | null
  /** CSS pixels, 1 to 32767, or null. */
  readonly screenWidth: number | null
  readonly sessionId: string | null
  readonly browser: string | null
  readonly os: string | null
  /** 16 bytes, as 32 hexadecimal digits; see `visitorHash`. */
  readonly visitorHash: string
  readonly isBot: boolean
}

/** What a browser said of a page view; a part of the contract's payload, already validated. */
export interface PageViewClaim {
  readonly page_path: string
  readonly device_type?: string | null | undefined
  readonly screen_width?: number | null | undefined
  readonly session_id?: string | null | undefined
}

/** What the server knows of a page view by itself. */
export interface PageViewFacts {
  readonly hostedWebsiteId: string
  readonly receivedAt: number
  /** The client's address, only to be hashed. */
  readonly address: string
  readonly userAgent: string
  /** What the user agent says, parsed. */
  readonly client: Client
  /** What is kept of the claim's referrer; see `splitReferrer` and `foreignReferrer`. */
  readonly referrer: Referrer
  /** The day's secret. */
  readonly salt: Uint8Array
}

/** The longest text that is kept of each field, in UTF-16 units; the rest is cut off. */
export const bounds = { campaign: 255, deviceType: 32, host: 255, path: 2048, sessionId: 128 } as const

const maxScreenWidth = 32_767

/** Replaces what PostgreSQL's `text` cannot hold (NUL, lone surrogates) by U+FFFD, and cuts to `max` UTF-16 units. */
const storable = (text: string, max: number): string => {
  const cut = text.length > max ? text.slice(0, max) : text
  return (cut.includes("\0") ? cut.replaceAll("\0", "\uFFFD") : cut).toWellFormed()
}

const storableOrNull = (text: string | null | undefined, max: number): string | null =>
  text === undefined || text === null || text === "" ? null : storable(text, max)

const noCampaign: Campaign = { source: null, medium: null, name: null, term: null, content: null }

/** Every letter of a name may be written as an escape. */
const mayNameCampaign = /utm_|%/

/** Splits a `page_path` into its path and the campaign that its query names (`utm_*`). A whole URL loses its origin. */
export const splitPath = (pagePath: string): { readonly path: string; readonly campaign: Campaign } => {
  const pathAndQuery = pagePath.startsWith("/") ? pagePath : pagePath.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "")
  const hash = pathAndQuery.indexOf("#")
  const withoutHash = hash === -1 ? pathAndQuery : pathAndQuery.slice(0, hash)
  const mark = withoutHash.indexOf("?")
  const path = storable(mark === -1 ? withoutHash : withoutHash.slice(0, mark), bounds.path) || "/"
  if (mark === -1 || !mayNameCampaign.test(withoutHash)) return { path, campaign: noCampaign }
  const query = new URLSearchParams(withoutHash.slice(mark + 1))
  const campaign = (key: string) => storableOrNull(query.get(key), bounds.campaign)
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
}

export const noReferrer: Referrer = { host: null, path: null }

/** The host and the path of a referrer; its query, which may hold secrets of another site, is not kept. */
export const splitReferrer = (referrer: string | null | undefined): Referrer => {
  const url = referrer ? URL.parse(referrer) : null
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return noReferrer
  return { host: storableOrNull(url.host, bounds.host), path: storableOrNull(url.pathname, bounds.path) }
}

const withoutWww = (host: string): string => (host.startsWith("www.") ? host.slice(4) : host)

/**
 * The referrer, or none if it is a page of the website itself, which nobody came from: if its host is that of the page's
 * origin (null for one that is not known) or of one of the website's own, each with or without "www.". Origins are in the
 * spelling of `Origin.canonical`. A port that is not the scheme's own is a part of the host.
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

/** The device type: the one given, or else the one that the user agent and the width (CSS pixels) speak for. */
export const deviceType = (
  given: string | null | undefined,
  client: Client,
  screenWidth: number | null
): string | null => {
  if (given) return storable(given, bounds.deviceType)
  if (client.deviceType !== null) return client.deviceType
  if (screenWidth === null) return null
  return screenWidth < 576 ? "mobile" : screenWidth < 992 ? "tablet" : "desktop"
}

/** Salts as text, which are the same for a whole day. Whoever forgets a salt makes this forget it too. */
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
 * Tells one visitor of one site from another for one day: the first 16 bytes of SHA-512/256 over the day's salt, the site,
 * the address and the user agent. Once the salt is deleted nobody can make it again, nor test a guess against it.
 *
 * A hash that begins with a secret of fixed length is a sound keyed hash where the digest is a part of the state only, as
 * it is in SHA-512/256 (NIST FIPS 180-4, 6.7); in one call it costs a quarter of an HMAC. Given as text, since in bytes
 * Node makes it for twice the price.
 */
export const visitorHash = (facts: Pick<PageViewFacts, "hostedWebsiteId" | "address" | "userAgent" | "salt">): string =>
  hash("sha512-256", `${secretOf(facts.salt)}${facts.hostedWebsiteId}\0${facts.address}\0${facts.userAgent}`).slice(
    0,
    32
  )

/** Makes what is stored of what was sent. */
export const make = (claim: PageViewClaim, facts: PageViewFacts): PageView => {
  const { campaign, path } = splitPath(claim.page_path)
  const width = claim.screen_width ?? null
  const screenWidth = width !== null && width >= 1 && width <= maxScreenWidth ? width : null
  return {
    hostedWebsiteId: facts.hostedWebsiteId,
    receivedAt: facts.receivedAt,
    path,
    campaign,
    referrerHost: facts.referrer.host,
    referrerPath: facts.referrer.path,
    deviceType: deviceType(claim.device_type, facts.client, screenWidth),
    screenWidth,
    sessionId: storableOrNull(claim.session_id, bounds.sessionId),
    browser: facts.client.browser,
    os: facts.client.os,
    visitorHash: visitorHash(facts),
    isBot: facts.client.isBot
  }
}
