/**
 * Chooses the websites that a link or a key reaches: the open website, several websites, or all.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import type { Site } from "../frame/Bar.tsx"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Reach.ts"
import * as SiteTexts from "../texts/Sites.ts"
import type { PageProps } from "./Page.ts"
import { Search, useTyped } from "./Search.tsx"

export type ReachProps = Pick<PageProps, "site" | "sites" | "hasMoreSites" | "reachesAll">

type Kind = keyof typeof Texts.kinds

interface Reach {
  /** The chosen websites, as a request names them. */
  readonly sites: "all" | ReadonlyArray<string>
  readonly kind: Kind
  /** Has one element if there is nothing to choose. */
  readonly choices: ReadonlyArray<readonly [kind: Kind, label: string]>
  readonly choose: (kind: Kind) => void
  /** The websites with checkboxes; false unless `kind` is `some`. */
  readonly list: ComponentChildren
}

export const useReach = ({ hasMoreSites, reachesAll, site, sites }: ReachProps): Reach => {
  const [kind, choose] = useState<Kind>("this")
  const [chosen, setChosen] = useState<ReadonlyMap<string, Site>>(new Map([[site.site_id, site]]))
  const [search, setSearch] = useState("")
  const [typed, setTyped] = useTyped(search, setSearch)
  const text = search.trim()
  const found = useAnswer("GET /v1/owner/sites", text === "" ? null : { query: { search: text } }, "reach")
  const offered = text === "" ? sites : (found.value?.sites ?? [])
  // What is chosen stays visible.
  const listed = new Map([...offered.map((each) => [each.site_id, each] as const), ...chosen])
  const kinds: ReadonlyArray<Kind> = [
    "this",
    ...(sites.length > 1 ? (["some"] as const) : []),
    ...(reachesAll ? (["all"] as const) : [])
  ]
  const change = (changed: Site, isChosen: boolean) => {
    const next = new Map(chosen)
    if (isChosen) next.set(changed.site_id, changed)
    else next.delete(changed.site_id)
    setChosen(next)
  }
  return {
    sites: kind === "all" ? kind : kind === "this" ? [site.site_id] : [...chosen.keys()],
    kind,
    choices: kinds.map((each) => [each, Texts.kinds[each]]),
    choose,
    list: kind === "some" && (
      <fieldset class="checks">
        <legend>{Texts.which}</legend>
        {hasMoreSites && <Search label={SiteTexts.sites.find} value={typed} onInput={setTyped} />}
        <div class="check-list">
          {[...listed.values()].map((each, index) => (
            <label class="check" key={each.site_id}>
              <input
                type="checkbox"
                // The browser shows this text when the form is submitted.
                ref={(box) => box?.setCustomValidity(index === 0 && chosen.size === 0 ? Texts.chooseOne : "")}
                checked={chosen.has(each.site_id)}
                onChange={({ currentTarget }) => change(each, currentTarget.checked)}
              />
              <bdi>{each.name}</bdi>
            </label>
          ))}
        </div>
      </fieldset>
    )
  }
}
