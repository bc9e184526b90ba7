/**
 * Which websites a list has. Pure.
 *
 * @module
 */
import * as Cursor from "../platform/text/Cursor.ts"
import type { Access } from "./access/Access.ts"
import type { Site } from "./Site.ts"

/** The list is ordered by time of creation and id, oldest first. */
export interface SiteQuery {
  readonly sites: Access["sites"]
  /** Only websites whose name or an origin contains this text, in any case; null for all. */
  readonly search: string | null
  /** Only those after this position; null from the first. */
  readonly after: Cursor.Position | null
  readonly limit: number
}

export const positionOf = (site: Site): Cursor.Position => ({ time: site.createdAt, id: site.websiteConfigId })

/** The part of `all` that a query selects. */
export const select = (all: ReadonlyArray<Site>, { after, limit, search, sites }: SiteQuery): ReadonlyArray<Site> =>
  all
    .filter(
      (site) =>
        (sites === "all" || sites.includes(site.websiteConfigId)) &&
        (search === null ||
          [site.name, ...site.origins].some((text) => text.toLowerCase().includes(search.toLowerCase()))) &&
        (after === null || Cursor.latestFirst(after, positionOf(site)) > 0)
    )
    .sort((left, right) => Cursor.latestFirst(positionOf(right), positionOf(left)))
    .slice(0, limit)
