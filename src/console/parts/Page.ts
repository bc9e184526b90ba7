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
  /** Whether the person may change everything about the website. */
  readonly isOwner: boolean
  /** Whether the person may work in the inbox: mark, release, answer and delete. Owners may. */
  readonly isMember: boolean
  /** Whether the person owns all websites. */
  readonly reachesAll: boolean
}
