/**
 * Creates a website.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Address from "../Address.ts"
import { go } from "../Location.ts"
import { useChange } from "../parts/Change.ts"
import { faultOf, messageOf } from "../parts/FailureText.ts"
import * as Texts from "../texts/SetUp.ts"
import { FormDialog } from "./Dialogs.tsx"
import { ChoiceField, TextField } from "./Fields.tsx"
import * as Lines from "./Lines.ts"
import { zones } from "./Zones.ts"

/** Opens the snippets of the new website. */
const openSite = (siteId: string) => go({ ...Address.initial, site: siteId, page: "setup", item: "install" })

export const NewSite = ({ onClose }: { readonly onClose: () => void }) => {
  const [name, setName] = useState("")
  const [timeZone, setTimeZone] = useState(Intl.DateTimeFormat().resolvedOptions().timeZone)
  const [origins, setOrigins] = useState("")
  const change = useChange("POST /v1/owner/sites")
  return (
    <FormDialog
      title={Texts.newSite.title}
      submit={Texts.create}
      isDisabled={change.isBusy}
      message={messageOf(change.failure, ["name", "time_zone", "origins"])}
      onClose={onClose}
      onSubmit={() =>
        change.run({ body: { name, time_zone: timeZone, origins: Lines.parse(origins) } }, ({ site_id }) => {
          onClose()
          openSite(site_id)
        })
      }
    >
      <TextField label={Texts.website.name} value={name} onInput={setName} fault={faultOf(change.failure, "name")} />
      <ChoiceField
        label={Texts.website.timeZone}
        hint={Texts.website.timeZoneHint}
        value={timeZone}
        choices={zones()}
        onChoose={setTimeZone}
        fault={faultOf(change.failure, "time_zone")}
      />
      <TextField
        label={Texts.optional(Texts.website.origins)}
        hint={Texts.website.originsHint}
        placeholder="https://www.example.com"
        rows={2}
        value={origins}
        onInput={setOrigins}
        fault={faultOf(change.failure, "origins")}
      />
    </FormDialog>
  )
}
