/**
 * Texts: which can be stored and how clients' texts are made fit for storage, their order, and how they are searched, listed in
 * messages, decoded and escaped. Pure.
 *
 * @module
 */
import { Option } from "effect"

/** Whether the stores hold a text as it is: it has neither NUL nor a lone surrogate. */
export const isStorable = (text: string): boolean => !text.includes("\0") && text.isWellFormed()

/**
 * Makes the parser of texts that owners write: 1 to `max` UTF-16 units that can be stored. White space around them is removed.
 */
export const parser =
  (max: number) =>
  (text: string): Option.Option<string> =>
    Option.liftPredicate(text.trim(), (trimmed) => trimmed !== "" && trimmed.length <= max && isStorable(trimmed))

/** Truncates to `max` UTF-16 units and replaces what PostgreSQL's `text` cannot hold (NUL, lone surrogates) by U+FFFD. */
export const storable = (value: string, max: number): string => {
  const cut = value.length > max ? value.slice(0, max) : value
  return (cut.includes("\0") ? cut.replaceAll("\0", "\uFFFD") : cut).toWellFormed()
}

/** As `storable`; null for an absent or empty text. */
export const storableOrNull = (value: string | null | undefined, max: number): string | null =>
  value === undefined || value === null || value === "" ? null : storable(value, max)

/** Moves surrogates, which stand for code points from U+10000, behind all other UTF-16 units. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)

/**
 * Orders texts by their code points, as PostgreSQL's collation "C" does. Negative if `left` comes first. The texts are well formed.
 */
export const compareCodePoints = (left: string, right: string): number => {
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)]
    if (a !== b) return rank(a) - rank(b)
  }
  return left.length - right.length
}

/** Whether a text contains another text, regardless of upper and lower case: the search in an owner's lists. */
export const contains = (text: string | null, needle: string): boolean =>
  (text ?? "").toLowerCase().includes(needle.toLowerCase())

/** A list of names in a message: `'a', 'b' or 'c'`. */
export const oneOf = (names: ReadonlyArray<string>): string => {
  const quoted = names.map((name) => `'${name}'`)
  const last = quoted.pop() ?? ""
  return quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`
}

/** The text of a percent-encoded one; undefined if a `%` does not begin the encoding of a character. */
export const decodePercent = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** Escapes a text for use between tags, or as the value of a quoted attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "")
