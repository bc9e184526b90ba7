/**
 * Chooses the websites that a link or a key reaches: the open website, several websites, or all.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import * as Texts from "../texts/Reach.ts"
import type { PageProps } from "./Page.ts"

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

export const useReach = ({ reachesAll, site, sites }: Pick<PageProps, "site" | "sites" | "reachesAll">): Reach => {
  const [kind, choose] = useState<Kind>("this")
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set([site.site_id]))
  const kinds: ReadonlyArray<Kind> = [
    "this",
    ...(sites.length > 1 ? (["some"] as const) : []),
    ...(reachesAll ? (["all"] as const) : [])
  ]
  const change = (id: string, isChosen: boolean) =>
    setChosen(new Set(isChosen ? [...chosen, id] : [...chosen].filter((other) => other !== id)))
  return {
    sites: kind === "all" ? kind : kind === "this" ? [site.site_id] : [...chosen],
    kind,
    choices: kinds.map((each) => [each, Texts.kinds[each]]),
    choose,
    list: kind === "some" && (
      <fieldset class="checks">
        <legend>{Texts.which}</legend>
        <div class="check-list">
          {sites.map(({ name, site_id }, index) => (
            <label class="check" key={site_id}>
              <input
                type="checkbox"
                // The browser shows this text when the form is submitted.
                ref={(box) => box?.setCustomValidity(index === 0 && chosen.size === 0 ? Texts.chooseOne : "")}
                checked={chosen.has(site_id)}
                onChange={({ currentTarget }) => change(site_id, currentTarget.checked)}
              />
              <bdi>{name}</bdi>
            </label>
          ))}
        </div>
      </fieldset>
    )
  }
}
