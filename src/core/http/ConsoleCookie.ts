/**
 * When the cookie of a console session counts, and how it is set. Pure.
 *
 * @module
 */
import { isLoopback } from "./LocalPage.ts"

/**
 * Whether the cookie of a request counts: a page of this origin sent the request. Browsers send `Sec-Fetch-Site` to URLs that
 * are https or loopback, and no page can set it.
 */
export const counts = (secFetchSite: string | undefined): boolean => secFetchSite === "same-origin"

/**
 * Whether a page's browser must send the cookie over TLS only: on every origin except http on loopback. `origin` is the
 * request's `Origin`, which also names the page's origin behind a proxy.
 */
export const isSecure = (origin: string | undefined): boolean => {
  const page = URL.parse(origin ?? "")
  return page === null || page.protocol !== "http:" || !isLoopback(page.hostname)
}
