/**
 * What the pages of all websites have in common.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Address from "../Address.ts"
import type { Site } from "../frame/Bar.tsx"
import { go, useAddress } from "../Location.ts"
import { useTyped } from "../parts/Search.tsx"
import { Select } from "../parts/Select.tsx"
import { useAnswer } from "../Resource.ts"
import * as Roles from "../Roles.ts"
import * as Texts from "../Texts.ts"

export interface AllPageProps {
  /** The first websites of the session. */
  readonly sites: ReadonlyArray<Site>
  /** Whether the session has more websites than `sites`. */
  readonly hasMoreSites: boolean
  readonly roles: ReadonlyArray<Roles.GrantedRole>
}

type Parameters = Readonly<Record<string, string>>

/**
 * The view in the address, the website whose items the page shows (empty for all), and the function that changes them.
 *
 * @param View the view of the page of one website
 */
export function useAllView<A extends object>(View: {
  readonly parse: (parameters: Parameters) => A
  readonly format: (view: A) => Parameters
}) {
  const { item, view: parameters } = useAddress()
  const view = View.parse(parameters)
  const siteId = parameters["site"] ?? ""
  const show = (change: Partial<A>, ofSite = siteId, replace = false) =>
    go(
      { view: { ...View.format({ ...view, ...change }), ...(ofSite !== "" && { site: ofSite }) }, item: null },
      { replace }
    )
  return { item, view, siteId, show }
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

/** Whether the person may do on a website what the role may: a member works in the inbox, and an owner changes everything. */
export const includesRole = (roles: AllPageProps["roles"], siteId: string, role: "member" | "owner"): boolean =>
  Roles.includes(Roles.roleFor(roles, siteId), role)

/** The place of an item in the address of a page: the ids, from the website to the item. The first ids have no dots. */
export const placeOf = (...ids: ReadonlyArray<string>): string => ids.join(".")

/** The first `count - 1` ids, and the last one, which may have dots; null if there are too few. */
export const parsePlace = (item: string | null, count: number): ReadonlyArray<string> | null => {
  const ids = item?.split(".") ?? []
  return ids.length < count ? null : [...ids.slice(0, count - 1), ids.slice(count - 1).join(".")]
}

interface SiteSelectProps extends Pick<AllPageProps, "sites" | "hasMoreSites"> {
  /** Empty for all. */
  readonly siteId: string
  readonly onChoose: (siteId: string) => void
}

/** Chooses the website whose items a list shows: one of the first websites, or one that the service finds. */
export const SiteSelect = ({ hasMoreSites, onChoose, siteId, sites }: SiteSelectProps) => {
  const [search, setSearch] = useState("")
  const [typed, setTyped] = useTyped(search, setSearch)
  const text = search.trim()
  const { failure, isStale, value } = useAnswer(
    "GET /v1/owner/sites",
    hasMoreSites && text !== "" ? { query: { search: text } } : null
  )
  const chosen = useSite(siteId === "" ? null : siteId, sites)
  const names = new Map<string, string>()
  for (const { name, site_id } of [...sites, ...(chosen ? [chosen] : []), ...(value?.sites ?? [])])
    names.set(site_id, name)
  const note =
    failure !== undefined
      ? Texts.sites.searchFailed
      : typed.trim() !== text || (text !== "" && (value === undefined || isStale))
        ? Texts.sites.searching
        : text === "" || value?.next != null
          ? Texts.sites.typeForMore
          : undefined
  return (
    <Select
      aria-label={Texts.sites.one}
      value={siteId}
      choices={[["", Texts.sites.all], ...names]}
      note={hasMoreSites ? note : undefined}
      onSearch={setTyped}
      onChoose={onChoose}
    />
  )
}

/** The step from an empty page of all websites: to a website, whose settings have its tags. */
export const ToWebsites = () => (
  <p>
    <a class="button primary large" href={Address.format(Address.initial)}>
      {Texts.sites.all}
    </a>
  </p>
)
