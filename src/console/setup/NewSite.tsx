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
import { ChoiceField, TextField, useFields } from "./Fields.tsx"
import * as Lines from "./Lines.ts"
import { zones } from "./Zones.ts"

/** Opens the snippets of the new website. */
const openSite = (siteId: string) => go({ ...Address.initial, site: siteId, page: "setup", item: "install" })

export const NewSite = ({ onClose }: { readonly onClose: () => void }) => {
  const change = useChange("POST /v1/owner/sites")
  const fields = useFields(
    { name: "", time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone, origins: "" },
    change.failure
  )
  return (
    <FormDialog
      title={Texts.newSite.title}
      submit={Texts.create}
      isDisabled={change.isBusy}
      message={fields.message}
      onClose={onClose}
      onSubmit={() =>
        change.run({ body: { ...fields.values, origins: Lines.parse(fields.values.origins) } }, ({ site_id }) => {
          onClose()
          openSite(site_id)
        })
      }
    >
      <TextField label={Texts.website.name} {...fields.text("name")} />
      <ChoiceField
        label={Texts.website.timeZone}
        hint={Texts.website.timeZoneHint}
        choices={zones()}
        {...fields.choice("time_zone")}
      />
      <TextField
        label={Texts.optional(Texts.website.origins)}
        hint={Texts.website.originsHint}
        placeholder="https://www.example.com"
        rows={2}
        {...fields.text("origins")}
      />
    </FormDialog>
  )
}
