/**
 * The address of the chat endpoint. Pure.
 *
 * @module
 */
import { trimEnd } from "./TrimEnd.ts"

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
