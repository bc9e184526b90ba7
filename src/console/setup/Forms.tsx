/**
 * The rules for the fields of forms.
 *
 * @module
 */
import { useState } from "preact/hooks"
import type { PageProps } from "../parts/Page.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Outgoing.ts"
import * as Common from "../texts/SetUp.ts"
import { ConfirmChange } from "./Dialogs.tsx"
import * as Rules from "./Rules.ts"
import { RulesForm } from "./RulesForm.tsx"
import { RulesText } from "./RulesText.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"

type Form = Answer<"GET /v1/owner/sites/:site_id/forms">["forms"][number]

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

export const Forms = ({ isOwner, site: { site_id: siteId } }: PageProps) => {
  const [open, setOpen] = useState<Open>()
  const forms = useAnswer("GET /v1/owner/sites/:site_id/forms", { params: { site_id: siteId } }, siteId)
  const close = () => setOpen(undefined)
  return (
    <Section
      title={Common.sections.forms}
      note={Texts.forms.note}
      actions={
        isOwner && (
          <AddButton
            label={Texts.forms.add}
            onClick={() => setOpen({ dialog: "edit", form: null, rows: [Rules.emptyRow] })}
          />
        )
      }
    >
      <Rows
        resource={forms}
        items={({ forms }) => forms}
        empty={Texts.forms.empty}
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
