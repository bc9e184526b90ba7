/**
 * When the cookie of a console session is accepted, and how it is set. Pure.
 *
 * @module
 */
import { isLoopback, isLoopbackHost } from "../../platform/http/Host.ts"

/** The name of a cookie that is `Secure`. Browsers accept the prefix only from the host itself, and not from sibling domains. */
export const secureName = "__Host-hydracore_console"

/** The name of a cookie on http and this machine, where some browsers refuse `Secure` and its prefix. */
export const localName = "hydracore_console"

/**
 * Whether a page of this origin sent the request; otherwise the request's cookie is not accepted. Browsers send
 * `Sec-Fetch-Site` to URLs that are https or loopback, and no page can set that header.
 */
export const isSameOrigin = (secFetchSite: string | undefined): boolean => secFetchSite === "same-origin"

/** The headers of a request that say where the page is that sent it. */
export interface PageAddress {
  readonly origin: string | undefined
  readonly host: string | undefined
}

/**
 * Whether the cookie that a page gets must be `Secure`: on every origin except http on loopback. `origin` is the
 * request's `Origin`, which names the page's origin even behind a proxy. A cookie that is not `Secure` also needs a loopback
 * `host`, because later requests may have no `Origin`, and `isAccepted` then relies on their `Host`.
 */
export const mustBeSecure = ({ host, origin }: PageAddress): boolean => {
  const page = URL.parse(origin ?? "")
  return page === null || page.protocol !== "http:" || !isLoopback(page.hostname) || !isLoopbackHost(host)
}

const count = (header: string, name: string): number =>
  header.split(";").filter((pair) => pair.split("=", 1)[0]?.trim() === name).length

/**
 * Whether a request may use the cookie with this name. The local name needs a local `Host`: elsewhere, a page of a sibling
 * domain could set it. A cookie that is sent twice is not accepted: one of the two may come from such a page.
 */
export const isAccepted = (name: string, headers: { readonly cookie: string; readonly host: string | undefined }) =>
  count(headers.cookie, name) === 1 && (name === secureName || isLoopbackHost(headers.host))
