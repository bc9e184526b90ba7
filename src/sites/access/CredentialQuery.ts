/**
 * Which keys or console sessions a list has. Pure.
 *
 * @module
 */
import type { WebsiteConfigId } from "../../platform/Id.ts"
import type * as Cursor from "../../platform/text/Cursor.ts"
import type * as Access from "./Access.ts"

/** The list is ordered by time of creation and id, oldest first. */
export interface CredentialQuery {
  /** Only those that a caller who may change `admin` of these websites may manage; see `Access.manages`. */
  readonly sites: Access.Access["sites"]
  /** Only those that reach this website; null for any. */
  readonly reaching: WebsiteConfigId | null
  /** Only those after this position; null from the first. */
  readonly after: Cursor.Position | null
  readonly limit: number
}
