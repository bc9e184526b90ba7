/**
 * Which origins may use a website's or an instance's ids, where a visitor may be redirected after a plain form, and CORS: which
 * pages may read a response.
 *
 * A browser sets `Origin` itself, and a page cannot change it. Other clients can send anything: the rule stops copied
 * snippets, not forgery.
 *
 * @module
 */
import { Context, Effect } from "effect"
import { HttpEffect, HttpMiddleware, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Decision from "./Decision.ts"
import { ownerPrefix } from "./Routes.ts"

/** Whether a site or an instance that allows `origins` accepts a request. */
export const accepts = (
  { headers }: { readonly headers: Readonly<Record<string, string | undefined>> },
  origins: ReadonlyArray<string>
): boolean => isAllowed(origins, { origin: headers["origin"], secFetchSite: headers["sec-fetch-site"] })

/** The request headers that name the page's origin. */
export interface OriginHeaders {
  readonly origin: string | undefined
  readonly secFetchSite: string | undefined
}

const pattern = /^https?:\/\/[^\s/?#@\\]+$/i

/** The canonical form of an origin; null for any other text and for the opaque origin `null`. */
export const canonical = (text: string): string | null =>
  pattern.test(text) ? (URL.parse(text)?.origin ?? null) : null

/**
 * Whether a request may use an id that is restricted to `origins`; an empty list allows any.
 *
 * - `Origin` is set: it must be one of the origins.
 * - `Origin: null` hides the origin (a sandboxed frame, a file, the referrer policy `no-referrer`): only
 *   `Sec-Fetch-Site: same-origin` passes, which browsers send if a proxy serves the API on the website's own origin.
 * - No `Origin`: clients other than browsers pass. A browser that sends `Sec-Fetch-Site: cross-site` does not.
 */
export const isAllowed = (origins: ReadonlyArray<string>, { origin, secFetchSite }: OriginHeaders): boolean => {
  if (origins.length === 0) return true
  if (origin === undefined) return secFetchSite !== "cross-site"
  if (origin === "null") return secFetchSite === "same-origin"
  const named = canonical(origin)
  return named !== null && origins.includes(named)
}

/** The maximum length of a URL, in UTF-16 units. */
const maxUrl = 2048

/** The origin of a refused request; not known if the browser hides it, or if it is no origin of a website. */
export const refusedOf = (
  { headers }: { readonly headers: Readonly<Record<string, string | undefined>> },
  instanceId = ""
): Decision.Refused => Decision.refused(canonical(headers["origin"] ?? ""), instanceId)

/** The URL, fit for a `Location` header, if it is on one of the origins. */
const onOrigins = (origins: ReadonlyArray<string>, text: string | undefined): string | null => {
  if (text === undefined || text.length > maxUrl || !/^https?:\/\//i.test(text)) return null
  const url = URL.parse(text)
  return url !== null && url.username === "" && url.password === "" && origins.includes(url.origin) ? url.href : null
}

/**
 * Where a plain form redirects to: the page in `next`, if it is on one of the origins; else null. A website without
 * origins never redirects, since the endpoint would be an open redirect.
 */
export const nextUrl = (origins: ReadonlyArray<string>, next: string | undefined): string | null =>
  onOrigins(origins, next)

/**
 * The target of the thank-you page's back link: the form's page, or its website if the browser sends only the origin; null if
 * neither is on one of the origins. A visitor is not redirected there at once, since the form's page would not confirm
 * anything.
 */
export const backUrl = (
  origins: ReadonlyArray<string>,
  headers: { readonly referer: string | undefined; readonly origin: string | undefined }
): string | null => onOrigins(origins, headers.referer) ?? onOrigins(origins, headers.origin)

/** The origins that are valid sources of a Content-Security-Policy. */
const source = /^https?:\/\/[a-z0-9.-]+(?::[0-9]+)?$/

/**
 * The value of `frame-ancestors` for the response page of a plain form: the form's origin, or `'none'` if the request has no
 * origin, or one with a character that could end the directive.
 */
export const frameAncestors = (origin: string | undefined): string => {
  const named = origin === undefined ? null : canonical(origin)
  return named !== null && source.test(named) ? named : "'none'"
}

/** The response headers that a page may read, on errors too. */
const exposedHeaders = [
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "Content-Type",
  "Cache-Control",
  "X-Accel-Buffering",
  "X-Vercel-AI-UI-Message-Stream",
  "X-Error-Id",
  "X-HydraCore-Decision",
  "X-HydraCore-Conversation",
  "X-Should-Retry"
]

/** One day, in seconds. */
const maxPreflightAge = 86_400

/** The headers that the middleware adds to every response of the public API, except to a response to a preflight. */
export const answerHeaders = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": exposedHeaders.join(",")
}

/**
 * Allows all request headers, because libraries on websites add headers to every request. `*` does not cover
 * `Authorization`, and old browsers do not support `*`, so the headers that the service or an agent SDK uses are listed too.
 */
const allowedHeaders =
  "*, Authorization, Content-Type, Idempotency-Key, X-Widget-Token, X-HydraCore-Leads, X-HydraCore-Session"

const answerPreflight = HttpMiddleware.cors({
  allowedMethods: ["GET", "HEAD", "POST"],
  allowedHeaders: [allowedHeaders],
  exposedHeaders,
  maxAge: maxPreflightAge
})

/** The platform computes the headers of every response anew, although they are always the same. */
const addAnswerHeaders: HttpEffect.PreResponseHandler = (_, response) =>
  Effect.succeed(HttpServerResponse.setHeaders(response, answerHeaders))

/**
 * Lets pages of any origin call the endpoints, except those of the owner API, and read the exposed response headers.
 *
 * Allowing any origin is safe, because responses do not allow credentials: no page can read a response to a request with cookies.
 * A preflight response echoes nothing of its request. The owner API has no CORS: no other website may read it.
 */
export const cors = <E, R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> => {
  const preflight = answerPreflight(app)
  return Effect.withFiber((fiber) => {
    const { method, url } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
    if (url.startsWith(ownerPrefix)) return app
    if (method === "OPTIONS") return preflight
    HttpEffect.appendPreResponseHandlerUnsafe(fiber.context, addAnswerHeaders)
    return app
  })
}
