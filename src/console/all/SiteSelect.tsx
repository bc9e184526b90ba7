/**
 * A menu that chooses the website whose items a list shows.
 *
 * @module
 */
import type { Site } from "../frame/Bar.tsx"
import { Menu } from "../parts/Menu.tsx"
import * as Texts from "../Texts.ts"
import { useSite } from "./Page.ts"

interface Props {
  readonly sites: ReadonlyArray<Site>
  /** Empty for all. */
  readonly siteId: string
  readonly onChoose: (siteId: string) => void
}

export const SiteMenu = ({ onChoose, siteId, sites }: Props) => {
  const chosen = useSite(siteId === "" ? null : siteId, sites)
  const listed = chosen === undefined || sites.includes(chosen) ? sites : [chosen, ...sites]
  const name = chosen?.name ?? Texts.sites.all
  return (
    <Menu
      label={`${Texts.sites.one}: ${name}`}
      side="end"
      choices={[
        { value: "", label: Texts.sites.all, isCurrent: siteId === "" },
        ...listed.map(({ name, site_id }, index) => ({
          value: site_id,
          label: name,
          isCurrent: site_id === siteId,
          hasSeparator: index === 0
        }))
      ]}
      onChoose={onChoose}
    >
      {name}
    </Menu>
  )
}
