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
  const [url, base] =
    from.base === null ? [path, from.script] : [`${withoutEnd(from.base, "/")}/v1/public/${path}`, from.page]
  return URL.canParse(url, base) ? new URL(url, base).href : undefined
}
