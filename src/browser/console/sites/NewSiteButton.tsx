/**
 * The button that opens the form for a new website. The form is loaded when it is first opened.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { Icon } from "../parts/Icon.tsx"
import { lazy } from "../parts/Lazy.tsx"
import * as Texts from "../Texts.ts"

const NewSite = lazy(() => import("../setup/NewSite.tsx").then(({ NewSite }) => NewSite))

export const NewSiteButton = () => {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" class="button" onClick={() => setOpen(true)}>
        <Icon name="add" />
        {Texts.sites.create}
      </button>
      {isOpen && <NewSite onClose={() => setOpen(false)} />}
    </>
  )
}
