/**
 * Which browsers may use a website's or an instance's ids, and where a visitor may be sent after a plain form. Pure.
 *
 * A browser says by itself on which origin the page stands, and a page cannot change that. What is no browser (a server,
 * a script, curl) can say anything or nothing: this rule is for copied snippets, and no protection against forgery.
 *
 * @module
 */

/** What a request says of the page that it comes from: its headers, or undefined for one that it does not have. */
export interface Provenance {
  readonly origin: string | undefined
  readonly secFetchSite: string | undefined
}

const spelling = /^https?:\/\/[^\s/?#@\\]+$/i

/** An origin in the spelling in which sites keep theirs; null for what is none, the opaque origin `null` too. */
export const canonical = (text: string): string | null =>
  spelling.test(text) ? (URL.parse(text)?.origin ?? null) : null

/**
 * Whether a request may use what names these origins; empty means any.
 *
 * - `Origin` names a page: it must be one of the origins.
 * - `Origin: null` names a page that hides (a sandboxed frame, a file, a page whose referrer policy is `no-referrer`): it
 *   is refused, unless the browser attests that the request stays on one origin, as it does behind a site's own proxy.
 * - No `Origin`: what is no browser passes. A browser that says `Sec-Fetch-Site: cross-site` and hides the origin does not.
 */
export const isAllowed = (origins: ReadonlyArray<string>, { origin, secFetchSite }: Provenance): boolean => {
  if (origins.length === 0) return true
  if (origin === undefined) return secFetchSite !== "cross-site"
  if (origin === "null") return secFetchSite === "same-origin"
  const named = canonical(origin)
  return named !== null && origins.includes(named)
}

/** No address that anyone needs is longer, in UTF-16 units. */
const maxAddress = 2048

/** The address as it may stand in a `Location` header, if its page stands on one of the origins. */
const pageOn = (origins: ReadonlyArray<string>, address: string | undefined): string | null => {
  if (address === undefined || address.length > maxAddress || !/^https?:\/\//i.test(address)) return null
  const url = URL.parse(address)
  return url !== null && url.username === "" && url.password === "" && origins.includes(url.origin) ? url.href : null
}

/**
 * Where a visitor is sent after a plain form: to the page that the form names; null if it names none, or one that stands
 * on none of the origins. A website that names no origin sends nobody anywhere: any address would do, and the endpoint
 * would be an open redirect.
 */
export const nextAddress = (origins: ReadonlyArray<string>, next: string | undefined): string | null =>
  pageOn(origins, next)

/**
 * Where the page that thanks leads back to: to the page of the form, or to the website where the browser tells that alone;
 * null if neither stands on one of the origins. Nobody is sent there unasked: the form itself would not say that anything
 * was sent, and of a page on another origin browsers name the origin alone, unless it asks for more.
 */
export const backAddress = (
  origins: ReadonlyArray<string>,
  told: { readonly referer: string | undefined; readonly origin: string | undefined }
): string | null => pageOn(origins, told.referer) ?? pageOn(origins, told.origin)

const source = /^https?:\/\/[a-z0-9.-]+(?::[0-9]+)?$/

/**
 * Who may frame the page that answers a plain form, as the value of the directive `frame-ancestors`: the origin on which
 * the form stands, as `Origin` names it, and nobody if it names none. What could end the directive is no origin here.
 */
export const frameAncestors = (origin: string | undefined): string => {
  const named = origin === undefined ? null : canonical(origin)
  return named !== null && source.test(named) ? named : "'none'"
}
