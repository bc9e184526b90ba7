/**
 * The rules of a form as rows that a person edits. Pure.
 *
 * @module
 */
import type { Answer } from "../Requests.ts"

type Form = Answer<"GET /v1/owner/sites/:site_id/forms">["forms"][number]
type FieldRules = Form["rules"][string]

export const kinds = ["text", "email", "number", "choice", "pattern"] as const
export type Kind = (typeof kinds)[number]

/** The rules of one field. The texts are as the person typed them. */
export interface RuleRow {
  readonly name: string
  readonly isRequired: boolean
  readonly kind: Kind
  readonly min: string
  readonly max: string
  /** The allowed values, one per line. */
  readonly choices: string
  readonly pattern: string
  readonly message: string
}

export const emptyRow: RuleRow = {
  name: "",
  isRequired: true,
  kind: "text",
  min: "",
  max: "",
  choices: "",
  pattern: "",
  message: ""
}

/** Whether a row keeps a text: rows hold trimmed texts, and choices are one per line. */
const isKept = (text: string): boolean => text === text.trim() && !/[\r\n]/.test(text)

/** Whether one row can show all rules of a field. The rows of choices and patterns have no bounds. */
const isSimple = ({ email, max, min, number, one_of, pattern }: FieldRules): boolean =>
  [email, number, one_of, pattern].filter((rule) => rule !== undefined && rule !== false).length <= 1 &&
  ((one_of === undefined && pattern === undefined) || (min === undefined && max === undefined)) &&
  (one_of ?? []).every(isKept)

/** The rows of rules; undefined if a field combines rules that one row cannot show. */
export const toRows = (rules: Form["rules"]): ReadonlyArray<RuleRow> | undefined =>
  Object.keys(rules).every(isKept) && Object.values(rules).every(isSimple)
    ? Object.entries(rules).map(([name, rule]) => ({
        name,
        isRequired: rule.required === true,
        kind: rule.email
          ? "email"
          : rule.number
            ? "number"
            : rule.one_of
              ? "choice"
              : rule.pattern
                ? "pattern"
                : "text",
        min: rule.min === undefined ? "" : String(rule.min),
        max: rule.max === undefined ? "" : String(rule.max),
        choices: (rule.one_of ?? []).join("\n"),
        pattern: rule.pattern ?? "",
        message: rule.message ?? ""
      }))
    : undefined

const bounds = ({ max, min }: RuleRow) => ({
  ...(min.trim() !== "" && { min: Number(min) }),
  ...(max.trim() !== "" && { max: Number(max) })
})

const ofKind = (row: RuleRow): FieldRules => {
  switch (row.kind) {
    case "email":
      return { email: true, ...bounds(row) }
    case "number":
      return { number: true, ...bounds(row) }
    case "choice":
      return {
        one_of: row.choices
          .split("\n")
          .map((line) => line.trim())
          .filter((line) => line !== "")
      }
    case "pattern":
      return { pattern: row.pattern }
    default:
      return bounds(row)
  }
}

/** The rules that rows show. Rows without a name are left out. */
export const ofRows = (rows: ReadonlyArray<RuleRow>): Form["rules"] =>
  Object.fromEntries(
    rows
      .filter(({ name }) => name.trim() !== "")
      .map((row) => [
        row.name.trim(),
        {
          ...(row.isRequired && { required: true }),
          ...ofKind(row),
          ...(row.message.trim() !== "" && { message: row.message.trim() })
        }
      ])
  )
