/**
 * Finds the edge. Pure.
 *
 * @module
 */
import { withoutEnd } from "./ends.ts"

/**
 * The address that takes an instance's messages, or undefined if `base` cannot be read. Without a `base` it is found
 * beside the script: the edge serves both, whatever a website's own proxy puts in front of them.
 *
 * @param script the address of this script, `<edge>/v1/public/chat.js`
 * @param base the edge's base address, as an attribute gives it; it may be relative to the page's, `page`
 */
export const chatUrl = (
  instance: string,
  from: { readonly script: string; readonly base: string | null; readonly page: string }
): string | undefined => {
  const path = `widget/${encodeURIComponent(instance)}/chat`
  if (from.base === null) return URL.canParse(path, from.script) ? new URL(path, from.script).href : undefined
  const base = `${withoutEnd(from.base, "/")}/v1/public/${path}`
  return URL.canParse(base, from.page) ? new URL(base, from.page).href : undefined
}
