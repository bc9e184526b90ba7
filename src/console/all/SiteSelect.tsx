/**
 * Chooses the website whose items a list shows.
 *
 * @module
 */
import type { Site } from "../frame/Bar.tsx"
import { Select } from "../parts/Select.tsx"
import * as Texts from "../Texts.ts"
import { useSite } from "./Page.ts"

interface Props {
  readonly sites: ReadonlyArray<Site>
  /** Empty for all. */
  readonly siteId: string
  readonly onChoose: (siteId: string) => void
}

export const SiteSelect = ({ onChoose, siteId, sites }: Props) => {
  const chosen = useSite(siteId === "" ? null : siteId, sites)
  const listed = chosen === undefined || sites.includes(chosen) ? sites : [chosen, ...sites]
  return (
    <Select
      aria-label={Texts.sites.one}
      value={siteId}
      choices={[["", Texts.sites.all], ...listed.map(({ name, site_id }) => [site_id, name] as const)]}
      onChoose={onChoose}
    />
  )
}
