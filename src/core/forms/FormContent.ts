/**
 * What stands in a form's data besides what the visitor wrote: the fields whose names begin with `hydracore_` are between
 * the page's script and this service. They are read and taken out of what is stored. Pure.
 *
 * @module
 */
import * as JsonMembers from "../json/JsonMembers.ts"
import * as SpamScore from "./SpamScore.ts"

const prefix = "hydracore_"

/** Whether a field is ours. */
export const isReserved = (name: string): boolean => name.startsWith(prefix)

/** What the reserved fields say. */
export interface Hints {
  /** `hydracore_hp`: a field that no person sees was filled in. */
  readonly honeypot: boolean
  /** `hydracore_ms`: milliseconds since the form was shown, or null. */
  readonly millis: number | null
}

/** Whether anything was written: an empty or blank text, null and false are nothing. */
const isFilled = (value: unknown): boolean =>
  typeof value === "string" ? value.trim() !== "" : value !== undefined && value !== null && value !== false

const millisOf = (value: unknown): number | null => {
  const number = typeof value === "string" && /^\s*[0-9]{1,15}(?:\.[0-9]{1,9})?\s*$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isFinite(number) && number >= 0 ? number : null
}

/** Reads the hints of a form's fields. */
export const hintsOf = (fields: Readonly<Record<string, unknown>>): Hints => ({
  honeypot: isFilled(fields["hydracore_hp"]),
  millis: millisOf(fields["hydracore_ms"])
})

/**
 * A form's data without its reserved fields: token for token the same otherwise.
 *
 * @param text the JSON text of an object, without white space between its tokens.
 * @param fields the same, parsed.
 */
export const withoutReserved = (text: string, fields: Readonly<Record<string, unknown>>): string =>
  Object.keys(fields).some(isReserved)
    ? `{${JsonMembers.members(text)
        .filter(({ name }) => !isReserved(name))
        .map(({ key, value }) => `${key}:${value}`)
        .join(",")}}`
    : text

/** What is seen on a form, for `SpamScore.judge`. */
export const signalsOf = (
  content: { readonly formData: string; readonly email: string | null },
  seen: { readonly hints: Hints; readonly repetitions: number }
): SpamScore.SpamSignals => ({
  ...SpamScore.linksIn(content.formData),
  honeypot: seen.hints.honeypot,
  millis: seen.hints.millis,
  repetitions: seen.repetitions,
  disposableEmail: SpamScore.isDisposable(content.email)
})
