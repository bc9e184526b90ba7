/**
 * Decides which addresses in an agent's answer become links. Pure.
 *
 * @module
 */
import * as Limits from "./Limits.ts"
import { trimEnd } from "./TrimEnd.ts"

const allowed = /^(https?|mailto|tel):$/

/**
 * Resolves an address against `base`. Returns undefined if the address is longer than `Limits.maxAddress`, or if the result is
 * not an http, https, mailto or tel address. Drops angle brackets around the address, and a title after it.
 */
export const safeHref = (address: string, base: string): string | undefined => {
  if (address.length > Limits.maxAddress) return undefined
  const text = address
    .trim()
    .replace(/\s+(".*"|'.*')$/s, "")
    .replace(/^<(.*)>$/s, "$1")
  if (text === "" || !URL.canParse(text, base)) return undefined
  const url = new URL(text, base)
  return allowed.test(url.protocol) ? url.href : undefined
}

/** Characters that end a sentence rather than an address. */
const trailing = ".,;:!?'\"”’»"

const brackets: Readonly<Record<string, string>> = { ")": "(", "]": "[" }

const count = (text: string, unit: string): number => text.split(unit).length - 1

/**
 * Splits a bare address, one without Markdown's marks, from the punctuation after it, and from a closing bracket that the
 * address does not open.
 */
export const splitBare = (text: string): readonly [address: string, rest: string] => {
  const address = trimEnd(text, trailing)
  const rest = text.slice(address.length)
  const closing = address.at(-1) ?? ""
  const opening = brackets[closing]
  return opening !== undefined && count(address, opening) < count(address, closing)
    ? [address.slice(0, -1), closing + rest]
    : [address, rest]
}
