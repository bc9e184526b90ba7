/**
 * The form for a new website, which is loaded when it is first opened, and the button that opens it.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { Dialog } from "../parts/Dialog.tsx"
import { Icon } from "../parts/Icon.tsx"
import { lazy } from "../parts/Lazy.tsx"
import * as Texts from "../Texts.ts"

export const NewSite = lazy(
  () => import("../setup/SiteFields.tsx").then(({ NewSite }) => NewSite),
  ({ children, onClose }) => (
    <Dialog title={Texts.sites.create} onClose={onClose}>
      {children}
    </Dialog>
  )
)

/** `isFirst` if it is what a person does first on the page. */
export const NewSiteButton = ({ isFirst = false }: { readonly isFirst?: boolean }) => {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" class={`button ${isFirst ? "primary large" : ""}`} onClick={() => setOpen(true)}>
        <Icon name="add" />
        {Texts.sites.create}
      </button>
      {isOpen && <NewSite onClose={() => setOpen(false)} />}
    </>
  )
}
