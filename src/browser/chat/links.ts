/**
 * Decides where a link in an agent's answer may lead. Pure.
 *
 * @module
 */
import { withoutEnd } from "./ends.ts"
import * as Limits from "./Limits.ts"

const allowed = /^(https?|mailto):$/

/**
 * The whole address of a link, or undefined if it may not be followed: anything but http, https and mailto, however it is
 * spelled, and anything longer than `Limits.maxAddress`. A relative address is one of the page's own, `base`. A title after the
 * address is left out.
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

/** What ends a sentence and no address. */
const trailing = ".,;:!?'\"”’»"

/** Splits what follows a bare address in a sentence, such as a full stop, from the address. */
export const splitBare = (text: string): readonly [address: string, rest: string] => {
  const address = withoutEnd(text, trailing)
  const rest = text.slice(address.length)
  // A bracket that the address did not open closes something before it.
  return address.endsWith(")") && !address.includes("(") ? [address.slice(0, -1), `)${rest}`] : [address, rest]
}
