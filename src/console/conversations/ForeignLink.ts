/**
 * Decides which addresses in a transcript become links. An agent may have written any text, so it must not link to the console:
 * neither to a page that opens a session, nor to one that changes a website. Pure.
 *
 * @module
 */
import { safeHref } from "../../browser/chat/Addresses.ts"

/** An http or https address of an origin other than the console's. Undefined for a relative address and for any other. */
export const foreignHref = (address: string, consoleOrigin: string): string | undefined => {
  // A relative address resolves to different addresses against two bases.
  const [href, other] = ["https://one.invalid/a/", "http://other.invalid/"].map((base) => safeHref(address, base))
  if (href === undefined || href !== other || !/^https?:/.test(href)) return undefined
  const { hostname, origin } = new URL(href)
  return origin === consoleOrigin || hostname === new URL(consoleOrigin).hostname ? undefined : href
}
