/**
 * The rules of a form as JSON, for rules that rows cannot show.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { useChange } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import { useWhileShown } from "../parts/WhileShown.ts"
import type { Answer } from "../Requests.ts"
import * as Texts from "../texts/Outgoing.ts"
import * as Common from "../texts/SetUp.ts"
import { FormDialog } from "./Dialogs.tsx"
import { TextField } from "./Fields.tsx"

type Form = Answer<"GET /v1/owner/sites/:site_id/forms">["forms"][number]

/** Undefined if the text is not a JSON object. The service says what else is wrong. */
const parse = (text: string): Form["rules"] | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Form["rules"]) : undefined
  } catch {
    return undefined
  }
}

interface Props {
  readonly siteId: string
  readonly form: Form
  readonly onClose: () => void
}

export const RulesText = ({ form, onClose, siteId }: Props) => {
  const [text, setText] = useState(JSON.stringify(form.rules, null, 2))
  const [isJson, setIsJson] = useState(true)
  const change = useChange("PUT /v1/owner/sites/:site_id/forms")
  const close = useWhileShown(onClose)
  const faults = change.failure?.faults ?? []
  const fault = faults.map(({ place, text }) => Texts.forms.at(place, Common.sentence(text))).join(" ")
  return (
    <FormDialog
      isWide
      title={Texts.forms.edit(form.page)}
      submit={Common.save}
      isDisabled={change.isBusy}
      message={faults.length === 0 ? messageOf(change.failure, []) : undefined}
      onClose={onClose}
      onSubmit={() => {
        const rules = parse(text)
        setIsJson(rules !== undefined)
        if (rules !== undefined) change.run({ params: { site_id: siteId }, body: { page: form.page, rules } }, close)
      }}
    >
      <TextField
        label={Texts.forms.json}
        hint={Texts.forms.jsonHint}
        rows={16}
        isCode
        value={text}
        onInput={setText}
        fault={isJson ? fault || undefined : Texts.forms.notJson}
      />
    </FormDialog>
  )
}
