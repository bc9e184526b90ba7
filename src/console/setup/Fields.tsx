/**
 * The fields of forms, with their labels, hints and errors.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { useId, useState } from "preact/hooks"
import type { Choice, matching } from "../parts/Choices.ts"
import { faultOf, messageOf } from "../parts/FailureText.ts"
import { Select } from "../parts/Select.tsx"
import type { Failure } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import * as Lines from "./Lines.ts"

type Values = Readonly<Record<string, string | boolean>>

/** The names of the values of this type. */
type Names<A extends Values, Value> = { [K in keyof A & string]: A[K] extends Value ? K : never }[keyof A & string]

/**
 * The values of a form's fields, by the members of the body that they fill: each field gets its value, the function that changes it,
 * and the fault of its member.
 *
 * @param failure why the form was refused
 */
export function useFields<A extends Values>(initial: A, failure: Failure | undefined) {
  const [values, setValues] = useState(initial)
  const set =
    <K extends keyof A>(name: K) =>
    (value: A[K]): void =>
      setValues((all) => ({ ...all, [name]: value }))
  return {
    values,
    /** What is wrong besides the faults of the fields. */
    message: messageOf(failure, Object.keys(initial)),
    text: <K extends Names<A, string>>(name: K) => ({
      value: values[name],
      onInput: set(name) as (value: string) => void,
      fault: faultOf(failure, name)
    }),
    /** Those of a list that is typed, one item per line: the fault names the line of its item. */
    lines: <K extends Names<A, string>>(name: K) => {
      const typed = values[name] as string
      const fault = faultOf(failure, name)
      const index = failure?.faults.find(({ place }) => place.startsWith(`${name}.`))?.place.slice(name.length + 1)
      return {
        value: typed,
        onInput: set(name) as (value: string) => void,
        fault:
          fault === undefined || index === undefined || Lines.parse(typed).length < 2
            ? fault
            : Texts.inLine(Lines.lineOf(typed, Number(index)), fault)
      }
    },
    choice: <K extends Names<A, string>>(name: K) => ({
      value: values[name],
      onChoose: set(name),
      fault: faultOf(failure, name)
    }),
    check: <K extends Names<A, boolean>>(name: K) => ({
      isChecked: values[name],
      onChange: set(name) as (isChecked: boolean) => void
    })
  }
}

interface Common {
  readonly label: string
  readonly hint?: string
  readonly fault?: string | undefined
}

interface Described {
  readonly id: string
  readonly "aria-invalid": boolean
  readonly "aria-describedby": string | undefined
}

const Field = ({
  children,
  fault,
  hint,
  label
}: Common & { readonly children: (described: Described) => ComponentChildren }) => {
  const id = useId()
  const note = fault ?? hint
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        "aria-invalid": fault !== undefined,
        "aria-describedby": note === undefined ? undefined : `${id}-note`
      })}
      {note !== undefined && (
        <p id={`${id}-note`} class={fault === undefined ? "muted" : "bad"}>
          {note}
        </p>
      )}
    </div>
  )
}

interface TextProps extends Common {
  readonly value: string
  readonly onInput: (value: string) => void
  readonly type?: "text" | "url" | "email" | "password" | "number" | "date"
  readonly placeholder?: string
  /** The height of a field for a longer text, in lines; absent for a field of one line. */
  readonly rows?: number
  /** Whether the longer text is code, such as JSON. */
  readonly isCode?: boolean
}

export const TextField = ({
  isCode = false,
  onInput,
  placeholder,
  rows,
  type = "text",
  value,
  ...common
}: TextProps) => (
  <Field {...common}>
    {(described) =>
      rows === undefined ? (
        <input
          {...described}
          // JSX declares an input's attributes for each `type`, but not for a union of types.
          type={type as "text"}
          value={value}
          placeholder={placeholder}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
          onChange={({ currentTarget }) => {
            if (type !== "url") return
            // At once, because the browser checks the address next if the form is submitted.
            currentTarget.value = Lines.completeUrl(currentTarget.value)
            onInput(currentTarget.value)
          }}
        />
      ) : (
        <textarea
          {...described}
          class={isCode ? "code" : undefined}
          spellcheck={!isCode}
          rows={rows}
          value={value}
          placeholder={placeholder}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
        />
      )
    }
  </Field>
)

interface ChoiceProps<A extends string> extends Common {
  readonly value: A
  readonly choices: ReadonlyArray<Choice<A>>
  readonly onChoose: (value: A) => void
  /** If it accepts what is no choice: gets each text that is typed. */
  readonly onType?: (text: string) => void
  /** Gets what is searched for; "" when the list opens. */
  readonly onSearch?: (text: string) => void
  /** Finds and orders the choices for what is typed. The default keeps their order. */
  readonly find?: typeof matching
  /** Shown if nothing matches. */
  readonly noMatch?: string
  readonly placeholder?: string
}

export const ChoiceField = <A extends string>({
  choices,
  find,
  noMatch,
  onChoose,
  onSearch,
  onType,
  placeholder,
  value,
  ...common
}: ChoiceProps<A>) => (
  <Field {...common}>
    {(described) => (
      <Select
        {...described}
        value={value}
        choices={choices}
        onChoose={onChoose}
        onType={onType}
        onSearch={onSearch}
        find={find}
        noMatch={noMatch}
        placeholder={placeholder}
      />
    )}
  </Field>
)

interface CheckProps {
  readonly label: string
  readonly isChecked: boolean
  readonly onChange: (isChecked: boolean) => void
}

export const Check = ({ isChecked, label, onChange }: CheckProps) => (
  <label class="check">
    <input type="checkbox" checked={isChecked} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />
    {label}
  </label>
)

interface PageFieldProps {
  readonly siteId: string
  readonly label: string
  readonly hint: string
  readonly value: string
  readonly fault: string | undefined
  readonly onInput: (page: string) => void
}

/** The field for the `page_slug` of a form. It offers those of the latest submissions, and accepts any other. */
export const PageField = ({ onInput, siteId, ...field }: PageFieldProps) => {
  const overview = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions/overview",
    { params: { site_id: siteId } },
    siteId
  )
  const pages = overview.value?.pages ?? []
  return (
    <ChoiceField
      {...field}
      placeholder={pages[0] ?? "contact"}
      choices={pages.map((page) => [page, page])}
      onChoose={onInput}
      onType={onInput}
    />
  )
}
