/**
 * What the pages of all websites have in common.
 *
 * @module
 */
import type { Site } from "../frame/Bar.tsx"
import { useAnswer } from "../Resource.ts"
import * as Roles from "../Roles.ts"

export interface AllPageProps {
  /** The first websites of the session. */
  readonly sites: ReadonlyArray<Site>
  readonly roles: ReadonlyArray<Roles.GrantedRole>
}

/** The website with this id: one of `sites`, or one that is requested. Undefined while it loads, and for null. */
export const useSite = (siteId: string | null, sites: ReadonlyArray<Site>): Site | undefined => {
  const listed = sites.find(({ site_id }) => site_id === siteId)
  const { value } = useAnswer(
    "GET /v1/owner/sites/:site_id",
    siteId === null || listed !== undefined ? null : { params: { site_id: siteId } },
    siteId ?? ""
  )
  return listed ?? (siteId === null ? undefined : value)
}

/** Whether the person may work in the inbox of a website. */
export const isMemberOf = (roles: AllPageProps["roles"], siteId: string): boolean =>
  Roles.includes(Roles.roleFor(roles, siteId), "member")

/** The place of an item in the address of a page: the ids, from the website to the item. The first ids have no dots. */
export const placeOf = (...ids: ReadonlyArray<string>): string => ids.join(".")

/** The first `count - 1` ids, and the last one, which may have dots; null if there are too few. */
export const parsePlace = (item: string | null, count: number): ReadonlyArray<string> | null => {
  const ids = item?.split(".") ?? []
  return ids.length < count ? null : [...ids.slice(0, count - 1), ids.slice(count - 1).join(".")]
}
