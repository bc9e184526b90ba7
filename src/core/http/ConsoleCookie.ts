/**
 * When the cookie of a console session is accepted, and how it is set. Pure.
 *
 * @module
 */
import { isLoopback } from "../text/Loopback.ts"

/**
 * Whether a page of this origin sent the request; otherwise the request's cookie is not accepted. Browsers send
 * `Sec-Fetch-Site` to URLs that are https or loopback, and no page can set that header.
 */
export const isSameOrigin = (secFetchSite: string | undefined): boolean => secFetchSite === "same-origin"

/**
 * Whether a page's browser must send the cookie over TLS only: on every origin except http on loopback. `origin` is the
 * request's `Origin`, which names the page's origin even behind a proxy.
 */
export const isSecure = (origin: string | undefined): boolean => {
  const page = URL.parse(origin ?? "")
  return page === null || page.protocol !== "http:" || !isLoopback(page.hostname)
}
