/**
 * The properties of each console page that shows one website.
 *
 * @module
 */
import type { Site } from "../frame/Bar.tsx"

export interface PageProps {
  readonly site: Site
  /** The first websites of the session, and the one of this page. */
  readonly sites: ReadonlyArray<Site>
  /** Whether the session has more websites than `sites`. */
  readonly hasMoreSites: boolean
  /** Whether the person may make changes. Otherwise the person may only read. */
  readonly isOwner: boolean
  /** Whether the session includes all websites. */
  readonly reachesAll: boolean
}
