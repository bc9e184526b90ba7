/**
 * Decides which addresses in an agent's answer become links. Pure.
 *
 * @module
 */
import * as Limits from "./Limits.ts"
import { trimEnd } from "./TrimEnd.ts"

const allowed = /^(https?|mailto):$/

/**
 * Resolves an address against `base`. Returns undefined unless the result is an http, https or mailto address, and for
 * addresses longer than `Limits.maxAddress`. A title after the address is dropped.
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

/** Splits a bare address from punctuation after it. */
export const splitBare = (text: string): readonly [address: string, rest: string] => {
  const address = trimEnd(text, trailing)
  const rest = text.slice(address.length)
  // A closing parenthesis without an opening one belongs to the sentence.
  return address.endsWith(")") && !address.includes("(") ? [address.slice(0, -1), `)${rest}`] : [address, rest]
}
