/**
 * Checks a submission against the rules of its form. Pure.
 *
 * @module
 */
import { isEmailAddress } from "../platform/text/MailAddress.ts"
import type { ValidationError } from "./FormRefusal.ts"
import type { FieldRules, FormRules } from "./FormRules.ts"
import * as Pattern from "./Pattern.ts"
import { isFilled } from "./Submission.ts"

/** The part of a submission to which the rules apply. */
export interface Content {
  readonly form_data: Readonly<Record<string, unknown>>
  readonly email?: string | null | undefined
}

/** A broken rule: the published contract's type of the error, and the sentence for the visitor. */
type Broken = readonly [type: string, message: string]

const missing: Broken = ["missing", "Please fill in this field."]

/** The maximum number of choices that a message lists. */
const maxListed = 10

const choices = (values: ReadonlyArray<string>): string =>
  values.length > maxListed || values.join("").length > 200
    ? "Please choose one of the offered values."
    : `Please choose one of: ${values.join(", ")}.`

const numberPattern = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i

const numberOf = (text: string): number | undefined => {
  const number = numberPattern.test(text.trim()) ? Number(text) : Number.NaN
  return Number.isFinite(number) ? number : undefined
}

/** The number of code points. */
const lengthOf = (text: string): number => {
  let pairs = 0
  for (let index = 1; index < text.length; index++) {
    if ((text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800) pairs++
  }
  return text.length - pairs
}

const characters = (count: number): string => `${count} ${count === 1 ? "character" : "characters"}`

const brokenNumber = ({ max, min }: FieldRules, text: string): Broken | undefined => {
  const number = numberOf(text)
  if (number === undefined) return ["float_parsing", "Please enter a number."]
  if (min !== undefined && number < min) return ["greater_than_equal", `Please enter ${min} or more.`]
  if (max !== undefined && number > max) return ["less_than_equal", `Please enter ${max} or less.`]
  return undefined
}

const brokenLength = ({ max, min }: FieldRules, text: string): Broken | undefined => {
  if (min === undefined && max === undefined) return undefined
  const length = lengthOf(text)
  if (min !== undefined && length < min) return ["string_too_short", `Please enter at least ${characters(min)}.`]
  if (max !== undefined && length > max) return ["string_too_long", `Please enter at most ${characters(max)}.`]
  return undefined
}

/**
 * How many characters of a submission may be matched with patterns, in UTF-16 units. It is bounded because a match takes
 * microseconds per character.
 */
export const maxMatched = 5_000

const tooMuchToMatch: Broken = [
  "string_too_long",
  `Please write less: the fields with a requested format may have ${maxMatched.toLocaleString("en-US")} characters in total.`
]

/** What is left of `maxMatched` for the other values of a submission. */
interface Budget {
  characters: number
}

const brokenPattern = (pattern: string, text: string, left: Budget): Broken | undefined => {
  if (text.length <= Pattern.maxText) {
    if (text.length > left.characters) return tooMuchToMatch
    left.characters -= text.length
  }
  return Pattern.matches(pattern, text) ? undefined : ["string_pattern_mismatch", "Please use the requested format."]
}

/** The first rule that a filled value breaks. */
const brokenBy = (rules: FieldRules, value: unknown, left: Budget): Broken | undefined => {
  if (typeof value === "object") return ["string_type", "Please enter a text."]
  // A plain form ends its lines with two characters, which count as one, as in the browser.
  const text = String(value).replaceAll("\r\n", "\n")
  if (rules.email && !isEmailAddress(text)) {
    return ["value_error", "Please enter an email address, such as ada@example.org."]
  }
  const outOfRange = rules.number ? brokenNumber(rules, text) : brokenLength(rules, text)
  if (outOfRange !== undefined) return outOfRange
  const mismatch = rules.pattern === undefined ? undefined : brokenPattern(rules.pattern, text, left)
  if (mismatch !== undefined) return mismatch
  if (rules.one_of !== undefined && !rules.one_of.includes(text)) return ["literal_error", choices(rules.one_of)]
  return undefined
}

const filled = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [value]).filter(isFilled)

const valuesOf = ({ form_data }: Content, name: string): ReadonlyArray<unknown> =>
  Object.hasOwn(form_data, name) ? filled(form_data[name]) : []

/** A field's values with their locations. The submission's `email` is also a value of the field `email`. */
const placesOf = (content: Content, name: string) => {
  const values = valuesOf(content, name)
  const email = name === "email" ? filled(content.email) : []
  return [
    { loc: ["body", "form_data", name], values },
    ...(email.length === 0 || values.includes(email[0]) ? [] : [{ loc: ["body", "email"], values: email }])
  ]
}

const faultsOf = (name: string, rules: FieldRules, content: Content, left: Budget): ReadonlyArray<ValidationError> => {
  const places = placesOf(content, name)
  const fault = (loc: ReadonlyArray<string>, [type, message]: Broken) => ({
    loc,
    type,
    msg: rules.message ?? message
  })
  if (places.every(({ values }) => values.length === 0)) {
    return rules.required ? [fault(["body", "form_data", name], missing)] : []
  }
  return places.flatMap(({ loc, values }) => {
    for (const value of values) {
      const broken = brokenBy(rules, value, left)
      if (broken !== undefined) return [fault(loc, broken)]
    }
    return []
  })
}

/** The field of the first of some errors; empty if there is none. */
export const fieldOf = ([first]: ReadonlyArray<ValidationError>): string => String(first?.loc.at(-1) ?? "")

/**
 * The errors of a submission, at most one per field and location, in the order of the rules. Takes time linear in the content,
 * of which at most `maxMatched` characters are matched with patterns.
 */
export const check = (rules: FormRules, content: Content): ReadonlyArray<ValidationError> => {
  const left: Budget = { characters: maxMatched }
  return Object.entries(rules).flatMap(([name, field]) => faultsOf(name, field, content, left))
}
