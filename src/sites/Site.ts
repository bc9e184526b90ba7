/**
 * A website: as the service uses it, and as its owner sees it. Pure; browsers can import it.
 *
 * @module
 */
import { Option, Schema } from "effect"
import { type HostedWebsiteId, TrackingToken, WebsiteConfigId } from "../platform/Id.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import { isStorable } from "../platform/text/Text.ts"

export interface Site {
  /** The public id that form submissions name. */
  readonly websiteConfigId: WebsiteConfigId
  /** The internal id that page views are stored under. */
  readonly hostedWebsiteId: HostedWebsiteId
  /** The public token that page views name. */
  readonly trackingToken: TrackingToken
  readonly name: string
  /** The origins that may use the website's ids in a browser; empty means any. */
  readonly origins: ReadonlyArray<string>
  /** An IANA time zone. Reports count days, weeks and months in it. */
  readonly timeZone: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/**
 * A change of a website. Absent members do not change. The ids never change, since published pages and stored data hold them.
 */
export type SiteChange = Partial<Pick<Site, "name" | "origins" | "timeZone">>

/** A website as the owner API shows it: without the internal id. */
export const SiteDetails = Schema.Struct({
  site_id: WebsiteConfigId.annotate({ description: "The `website_config_id` of the website" }),
  tracking_token: TrackingToken.annotate({ description: "The public id that page views name" }),
  name: Schema.String,
  origins: Schema.Array(Schema.String).annotate({ description: "Empty if pages of any origin may use the ids" }),
  time_zone: Schema.String.annotate({ description: "The IANA time zone in which the days of reports begin and end" }),
  created_at: Schema.String.annotate({ format: "date-time" })
})

export type SiteDetails = typeof SiteDetails.Type

export const detailsOf = (site: Site): SiteDetails => ({
  site_id: site.websiteConfigId,
  tracking_token: site.trackingToken,
  name: site.name,
  origins: site.origins,
  time_zone: site.timeZone,
  created_at: Calendar.iso(site.createdAt)
})

/** The maximum number of characters (Unicode code points) of a name. */
export const maxName = 200

/** The maximum number of origins of one website or instance. */
export const maxOrigins = 100

const isName = (text: string): boolean =>
  text !== "" && text.length <= 2 * maxName && [...text].length <= maxName && isStorable(text)

/** Parses a name, and removes white space around it. */
export const parseName = (text: string): Option.Option<string> => Option.liftPredicate(text.trim(), isName)

/** A scheme, a host without wildcards and an optional port: no credentials, path or query. */
const originPattern = /^https?:\/\/[^\s/?#@*\\]+\/?$/i

/** Parses an origin, and returns its canonical form. */
export const parseOrigin = (text: string): Option.Option<string> =>
  Option.fromNullishOr(originPattern.test(text) && text.length <= 300 ? URL.parse(text) : null).pipe(
    Option.map((url) => url.origin)
  )
