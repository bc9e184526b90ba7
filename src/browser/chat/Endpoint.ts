/**
 * The address of the chat endpoint. Pure.
 *
 * @module
 */
import { trimEnd } from "./TrimEnd.ts"

/**
 * Returns the address of an instance's chat endpoint, or undefined if `base` is invalid or there is no instance. Without
 * `base` it is relative to the script, so a website can put a proxy in front of both.
 *
 * @param script the address of this script, `<edge>/v1/public/chat-panel.js`
 * @param base the edge's address from the `base` attribute, absolute or relative to `page`
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
