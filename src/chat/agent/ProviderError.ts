/**
 * The error code of an agent's provider, such as `insufficient_quota` or `model_not_found`, for the log and for `doctor`. Pure.
 *
 * @module
 */
import { Predicate } from "effect"

/**
 * The shape of a code: words of letters. Anything else is not logged, because it could be a visitor's text, an id or a key that
 * the provider quotes.
 */
const shape = /^(?=.{3,64}$)[A-Za-z]+(?:[_.][A-Za-z]+)*$/

/** Anthropic and others name every error's object this way. */
const generic: ReadonlySet<string> = new Set(["error", "Error"])

const isCode = (value: unknown): value is string =>
  typeof value === "string" && shape.test(value) && !generic.has(value)

/**
 * The code of an error object: `{code, type, message}` in most protocols, with `status` for Google's. Undefined if it has none that may
 * be logged.
 */
export const codeOf = (error: unknown): string | undefined =>
  Predicate.isObject(error) ? [error["code"], error["type"], error["status"]].find(isCode) : undefined

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The code in the body of a refusal: of its `error`, or of the body itself. Google's body is an array. */
export const ofBody = (body: string): string | undefined => {
  const parsed = parse(body)
  const value: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  return Predicate.isObject(value) ? (codeOf(value["error"]) ?? codeOf(value)) : undefined
}

/** The code in parentheses, to be added to a text; empty without a code. */
export const suffix = (code: string | undefined): string => (code === undefined ? "" : ` (${code})`)

const nameShape = /^[A-Za-z][A-Za-z0-9_.:+/-]{0,63}$/

/** The name of an event or of a type of content that is not of an agent's protocol, for the log, if it looks like one. Any other text could be a visitor's. */
export const cleanName = (name: string): string => (nameShape.test(name) ? name : "without a name")
