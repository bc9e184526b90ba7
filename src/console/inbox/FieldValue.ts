/**
 * Formats the value of a form's field. Pure.
 *
 * @module
 */
import type { Answer } from "../Requests.ts"
import * as Texts from "../Texts.ts"

type Field = Answer<"GET /v1/owner/sites/:site_id/submissions/:submission_id">["fields"][number]

export interface FieldValue {
  readonly text: string
  /** Whether the text is JSON, which is shown in a monospaced font. */
  readonly isCode: boolean
}

const plain = (text: string): FieldValue => ({ text, isCode: false })

const isPlain = (value: unknown): value is string | number => typeof value === "string" || typeof value === "number"

/** Whether parsing changes no number of a JSON text. It would change `12345678901234567890`, for example. */
const keepsNumbers = (json: string): boolean =>
  (json.replace(/"(?:[^"\\]|\\.)*"/g, "").match(/[-+.\deE]*\d/g) ?? []).every(
    (number) => String(Number(number)) === number
  )

/**
 * Booleans and null become texts. An array of strings and numbers is joined with commas. Other values stay JSON, which is
 * indented. Numbers keep the digits that were sent.
 */
export const of = ({ type, value }: Field): FieldValue => {
  if (type === "text") return plain(value)
  let parsed: unknown
  try {
    parsed = JSON.parse(value)
  } catch {
    return { text: value, isCode: true }
  }
  if (typeof parsed === "boolean") return plain(parsed ? Texts.inbox.yes : Texts.inbox.no)
  if (parsed === null) return plain(Texts.inbox.nothing)
  if (typeof parsed === "number") return plain(value)
  if (!keepsNumbers(value)) return { text: value, isCode: true }
  if (Array.isArray(parsed) && parsed.every(isPlain)) return plain(parsed.join(", "))
  return { text: JSON.stringify(parsed, undefined, 2), isCode: true }
}
