/**
 * A published website. Types only.
 *
 * @module
 */
import type { HostedWebsiteId, TrackingToken, WebsiteConfigId } from "../platform/Id.ts"

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
