/**
 * Addresses: that of the chat's endpoint, and those in an agent's answer that become links. Pure.
 *
 * @module
 */
import * as Limits from "./Limits.ts"

/** Removes the characters in `units` from the end of a text. A regular expression would take quadratic time. */
export const trimEnd = (text: string, units: string): string => {
  let end = text.length
  while (end > 0 && units.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}

/**
 * Returns the address of an instance's chat endpoint, or undefined if `base` is invalid or `instance` is empty. Without `base`,
 * the address is relative to the script's, so that a proxy in front of the script is also in front of the endpoint.
 *
 * @param from.script the address of this script, `<edge>/v1/public/chat-panel.js`
 * @param from.base the edge's address from the `base` attribute, absolute or relative to `from.page`
 */
export const chatUrl = (
  instance: string,
  from: { readonly script: string; readonly base: string | null; readonly page: string }
): string | undefined => {
  if (instance === "") return undefined
  const path = `widget/${encodeURIComponent(instance)}/chat`
  const [url, base] =
    from.base === null ? [path, from.script] : [`${trimEnd(from.base, "/")}/v1/public/${path}`, from.page]
  return URL.canParse(url, base) ? new URL(url, base).href : undefined
}

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
