/**
 * Reads the fields of a form. Reserved fields, whose names begin with `hydracore_`, are for this service: they are not stored.
 * Pure.
 *
 * @module
 */
import * as Json from "../platform/json/Json.ts"
import * as SpamScore from "./SpamScore.ts"

const prefix = "hydracore_"

export const isReserved = (name: string): boolean => name.startsWith(prefix)

/** The reserved fields by which spam is recognized. */
export interface Hints {
  /** `hydracore_hp`: whether the hidden field was filled in. */
  readonly honeypot: boolean
  /** `hydracore_ms`: the milliseconds between the form's appearance and its submission; null if they were not measured. */
  readonly millis: number | null
}

/** Blank texts, null, false and undefined count as not filled in. */
export const isFilled = (value: unknown): boolean =>
  typeof value === "string" ? value.trim() !== "" : value !== undefined && value !== null && value !== false

const millisOf = (value: unknown): number | null => {
  const number = typeof value === "string" && /^\s*[0-9]{1,15}(?:\.[0-9]{1,9})?\s*$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isFinite(number) && number >= 0 ? number : null
}

/** `hydracore_leads`: whether the form may be linked to a visit. */
export const allowsLead = (fields: Readonly<Record<string, unknown>>): boolean => fields["hydracore_leads"] !== "off"

export const hintsOf = (fields: Readonly<Record<string, unknown>>): Hints => ({
  honeypot: isFilled(fields["hydracore_hp"]),
  millis: millisOf(fields["hydracore_ms"])
})

/**
 * A form's data without its reserved fields. All other tokens are kept as they are.
 *
 * @param text the JSON text of an object, without white space between its tokens.
 * @param fields the parsed object.
 */
export const withoutReserved = (text: string, fields: Readonly<Record<string, unknown>>): string =>
  Object.keys(fields).some(isReserved)
    ? `{${Json.members(text)
        .filter(({ name }) => !isReserved(name))
        .map(({ key, value }) => `${key}:${value}`)
        .join(",")}}`
    : text

/**
 * The JSON texts of each member's values, in the order of the members' first appearance. A repeated member has several values.
 */
export const valueTexts = (text: string): ReadonlyMap<string, ReadonlyArray<string>> => {
  const texts = new Map<string, Array<string>>()
  for (const { name, value } of Json.members(text)) {
    const before = texts.get(name)
    if (before === undefined) texts.set(name, [value])
    else before.push(value)
  }
  return texts
}

/**
 * A form's parsed data, in which a repeated member has the list of all its values rather than the last value, since all are
 * stored and shown to the owner. Values that are lists are joined.
 *
 * @param text the JSON text of an object.
 * @param fields the parsed object.
 */
export const withAllValues = (
  text: string,
  fields: Readonly<Record<string, unknown>>
): Readonly<Record<string, unknown>> => {
  const repeated = [...valueTexts(text)].filter(([, values]) => values.length > 1)
  return repeated.length === 0
    ? fields
    : Object.fromEntries([
        ...Object.entries(fields),
        ...repeated.map(([name, values]) => [name, values.flatMap((value): unknown => JSON.parse(value))] as const)
      ])
}

/** The signals for `SpamScore.judge`. */
export const signalsOf = (
  content: { readonly formData: string; readonly email: string | null },
  { hints, marked, repetitions }: { readonly hints: Hints; readonly marked: boolean; readonly repetitions: number }
): SpamScore.SpamSignals => ({
  ...SpamScore.linksIn(content.formData),
  honeypot: hints.honeypot,
  millis: hints.millis,
  repetitions,
  marked,
  disposableEmail: SpamScore.isDisposable(content.email)
})
