/**
 * The rules for the fields of forms, and the automatic replies.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { useChange, useWhileShown } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import type { PageProps } from "../parts/Page.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Outgoing.ts"
import * as Common from "../texts/SetUp.ts"
import { AutoReplies } from "./AutoReplies.tsx"
import { ConfirmChange, FormDialog } from "./Dialogs.tsx"
import { TextField } from "./Fields.tsx"
import * as Rules from "./Rules.ts"
import { RulesForm } from "./RulesForm.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"

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

interface RulesTextProps {
  readonly siteId: string
  readonly form: Form
  readonly onClose: () => void
}

/** The rules of a form as JSON, for rules that rows cannot show. */
const RulesText = ({ form, onClose, siteId }: RulesTextProps) => {
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
      isBusy={change.isBusy}
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

const Remove = ({
  form,
  onClose,
  siteId
}: {
  readonly siteId: string
  readonly form: Form
  readonly onClose: () => void
}) => (
  <ConfirmChange
    operation="DELETE /v1/owner/sites/:site_id/forms"
    input={{ params: { site_id: siteId }, query: { page: form.page } }}
    title={Texts.forms.confirm(form.page)}
    body={Texts.forms.confirmBody}
    yes={Common.remove}
    onClose={onClose}
  />
)

type Open =
  | { readonly dialog: "edit"; readonly form: Form | null; readonly rows: ReadonlyArray<Rules.RuleRow> }
  | { readonly dialog: "text" | "remove"; readonly form: Form }

const RulesOfForms = ({ isOwner, site: { site_id: siteId } }: PageProps) => {
  const [open, setOpen] = useState<Open>()
  const forms = useAnswer("GET /v1/owner/sites/:site_id/forms", { params: { site_id: siteId } }, siteId)
  const close = () => setOpen(undefined)
  const first = {
    label: Texts.forms.add,
    onClick: () => setOpen({ dialog: "edit", form: null, rows: [Rules.emptyRow] }),
    command: `hydracore form create --site ${siteId} --page contact --rules rules.json`
  }
  return (
    <Section title={Common.sections.forms} note={Texts.forms.note} actions={isOwner && <AddButton {...first} />}>
      <Rows
        resource={forms}
        items={({ forms }) => forms}
        empty={Texts.forms.empty}
        first={isOwner && first}
        row={(form) => {
          const rows = Rules.toRows(form.rules)
          return (
            <Row
              key={form.page}
              title={form.page}
              facts={Object.entries(form.rules)
                .map(([name, rule]) => (rule.required ? Texts.forms.requiredField(name) : name))
                .join(" · ")}
            >
              {isOwner && (
                <>
                  <button
                    type="button"
                    class="button"
                    onClick={() =>
                      setOpen(rows === undefined ? { dialog: "text", form } : { dialog: "edit", form, rows })
                    }
                  >
                    {Common.edit}
                  </button>
                  <button type="button" class="button" onClick={() => setOpen({ dialog: "remove", form })}>
                    {Common.remove}
                  </button>
                </>
              )}
            </Row>
          )
        }}
      />
      {open?.dialog === "edit" && <RulesForm siteId={siteId} form={open.form} rows={open.rows} onClose={close} />}
      {open?.dialog === "text" && <RulesText siteId={siteId} form={open.form} onClose={close} />}
      {open?.dialog === "remove" && <Remove siteId={siteId} form={open.form} onClose={close} />}
    </Section>
  )
}

export const Forms = (props: PageProps) => (
  <>
    <RulesOfForms {...props} />
    <AutoReplies {...props} />
  </>
)
