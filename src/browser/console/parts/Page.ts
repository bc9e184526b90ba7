/**
 * The properties of each console page that shows one website.
 *
 * @module
 */
import type { Site } from "../frame/Bar.tsx"

export interface PageProps {
  readonly site: Site
  /** All websites of the session. */
  readonly sites: ReadonlyArray<Site>
  /** Whether the person may make changes. Otherwise the person may only read. */
  readonly isOwner: boolean
  /** Whether the session includes all websites. */
  readonly reachesAll: boolean
}
