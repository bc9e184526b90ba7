/**
 * Creates a website.
 *
 * @module
 */
import * as Address from "../Address.ts"
import { go } from "../Location.ts"
import { useChange } from "../parts/Change.ts"
import * as Texts from "../texts/SetUp.ts"
import { FormDialog } from "./Dialogs.tsx"
import { useSiteFields } from "./SiteFields.tsx"
import * as TimeZones from "./TimeZones.ts"

/** Opens the snippets of the new website. */
const openSite = (siteId: string) => go({ ...Address.initial, site: siteId, page: "setup", item: "install" })

export const NewSite = ({ onClose }: { readonly onClose: () => void }) => {
  const change = useChange("POST /v1/owner/sites")
  const { body, fields, message } = useSiteFields(
    { name: "", time_zone: TimeZones.presentName(Intl.DateTimeFormat().resolvedOptions().timeZone), origins: [] },
    { failure: change.failure, isNew: true }
  )
  return (
    <FormDialog
      title={Texts.newSite.title}
      submit={Texts.create}
      isBusy={change.isBusy}
      message={message}
      onClose={onClose}
      onSubmit={() =>
        change.run({ body }, ({ site_id }) => {
          onClose()
          openSite(site_id)
        })
      }
    >
      {fields}
    </FormDialog>
  )
}
