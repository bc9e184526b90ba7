/**
 * A published website. Types alone.
 *
 * @module
 */

export interface Site {
  /** The canonical identity to the outside; what a form submission names. */
  readonly websiteConfigId: string
  /** The internal identity of what is hosted; what page views are stored under. */
  readonly hostedWebsiteId: string
  /** The public token that a page view names. */
  readonly trackingToken: string
  readonly name: string
  /** The origins that may use the website's ids in a browser; empty means any. */
  readonly origins: ReadonlyArray<string>
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** What may be changed of a website; what is not given stays. Its ids stay for good: they stand in pages. */
export type SiteChange = Partial<Pick<Site, "name" | "origins">>
