/**
 * The rules of a form: a row for each field.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"
import { useChange, useWhileShown } from "../parts/Change.ts"
import { faultOf, messageOf } from "../parts/FailureText.ts"
import { Icon } from "../parts/Icon.tsx"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Outgoing.ts"
import * as Common from "../texts/SetUp.ts"
import { FormDialog } from "./Dialogs.tsx"
import { Check, ChoiceField, PageField, TextField } from "./Fields.tsx"
import * as Rules from "./Rules.ts"

type Form = Answer<"GET /v1/owner/sites/:site_id/forms">["forms"][number]

interface RowProps {
  readonly row: Rules.RuleRow
  readonly number: number
  readonly fault: string | undefined
  /** Whether the form's latest submission has no field of this name. */
  readonly isUnknown: boolean
  readonly onChange: (change: Partial<Rules.RuleRow>) => void
  readonly onRemove: () => void
}

const RuleRow = ({ fault, isUnknown, number, onChange, onRemove, row }: RowProps) => (
  <fieldset class="rule">
    <legend class="sr-only">{Texts.forms.field(number)}</legend>
    <TextField
      label={Texts.forms.name}
      placeholder="email"
      value={row.name}
      onInput={(name) => onChange({ name })}
      fault={fault}
      {...(isUnknown && { hint: Texts.forms.unknown })}
    />
    <ChoiceField
      label={Texts.forms.kind}
      value={row.kind}
      choices={Rules.kinds.map((kind) => [kind, Texts.forms.kinds[kind]])}
      onChoose={(kind) => onChange({ kind })}
    />
    {row.kind === "choice" ? (
      <TextField
        label={Texts.forms.choices}
        rows={2}
        value={row.choices}
        onInput={(choices) => onChange({ choices })}
      />
    ) : row.kind === "pattern" ? (
      <TextField
        label={Texts.forms.pattern}
        placeholder="[0-9]{5}"
        value={row.pattern}
        onInput={(pattern) => onChange({ pattern })}
      />
    ) : (
      <div class="pair">
        <TextField
          label={row.kind === "number" ? Texts.forms.least : Texts.forms.shortest}
          type="number"
          value={row.min}
          onInput={(min) => onChange({ min })}
        />
        <TextField
          label={row.kind === "number" ? Texts.forms.most : Texts.forms.longest}
          type="number"
          value={row.max}
          onInput={(max) => onChange({ max })}
        />
      </div>
    )}
    <TextField
      label={Common.optional(Texts.forms.message)}
      value={row.message}
      onInput={(message) => onChange({ message })}
    />
    <div class="rule-end">
      <Check
        label={Texts.forms.required}
        isChecked={row.isRequired}
        onChange={(isRequired) => onChange({ isRequired })}
      />
      <button type="button" class="button bare" onClick={onRemove}>
        <Icon name="trash" />
        {Texts.forms.removeField(row.name)}
      </button>
    </div>
  </fieldset>
)

/** How long a person pauses before the submissions of the page that they typed are read, in milliseconds. */
const pause = 400

/** The names of the fields in the latest submission of a page's form; undefined if there is none. */
const useSentFields = (siteId: string, page: string): ReadonlySet<string> | undefined => {
  const [settled, setSettled] = useState(page)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(page), pause)
    return () => clearTimeout(timer)
  }, [page])
  const params = { site_id: siteId }
  const latest = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions",
    settled === "" ? null : { params, query: { page: settled, limit: 1 } }
  )
  const submissionId = latest.value?.submissions[0]?.submission_id
  const details = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions/:submission_id",
    settled !== page || submissionId === undefined ? null : { params: { ...params, submission_id: submissionId } }
  )
  if (details.value === undefined) return undefined
  const { email, fields } = details.value
  return new Set([...fields.map(({ name }) => name), ...(email === null ? [] : ["email"])])
}

interface Props {
  readonly siteId: string
  /** The form to change; null for a new one. */
  readonly form: Form | null
  readonly rows: ReadonlyArray<Rules.RuleRow>
  readonly onClose: () => void
}

export const RulesForm = ({ form, onClose, rows: initial, siteId }: Props) => {
  const [page, setPage] = useState(form?.page ?? "")
  const [rows, setRows] = useState(initial)
  const change = useChange("PUT /v1/owner/sites/:site_id/forms")
  const close = useWhileShown(onClose)
  const names = rows.map(({ name }) => name.trim())
  const sent = useSentFields(siteId, page.trim())
  const faults = names.map((name, index) =>
    // Rules have one member for each field, so a second row would replace the first.
    name !== "" && names.indexOf(name) < index ? Texts.forms.repeated : faultOf(change.failure, `rules.${name}`)
  )
  const isInRow = names.some((name) => faultOf(change.failure, `rules.${name}`) !== undefined)
  const message = isInRow ? undefined : messageOf(change.failure, ["page"])
  return (
    <FormDialog
      isWide
      title={form === null ? Texts.forms.add : Texts.forms.edit(form.page)}
      submit={Common.save}
      isBusy={change.isBusy}
      isDisabled={faults.includes(Texts.forms.repeated)}
      message={message}
      onClose={onClose}
      onSubmit={() => change.run({ params: { site_id: siteId }, body: { page, rules: Rules.ofRows(rows) } }, close)}
    >
      {form === null && (
        <PageField
          siteId={siteId}
          label={Texts.forms.page}
          hint={Texts.forms.pageHint}
          value={page}
          onInput={setPage}
          fault={faultOf(change.failure, "page")}
        />
      )}
      {rows.map((row, index) => (
        <RuleRow
          key={index}
          number={index + 1}
          row={row}
          fault={faults[index]}
          isUnknown={sent !== undefined && row.name.trim() !== "" && !sent.has(row.name.trim())}
          onChange={(part) => setRows(rows.map((other, at) => (at === index ? { ...other, ...part } : other)))}
          onRemove={() => setRows(rows.filter((_, at) => at !== index))}
        />
      ))}
      <button type="button" class="button" onClick={() => setRows([...rows, Rules.emptyRow])}>
        <Icon name="add" />
        {Texts.forms.addField}
      </button>
    </FormDialog>
  )
}
