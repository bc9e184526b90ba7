/**
 * `/demo`: a small website with page views, a form and the chat, next to a live view of what the service receives. The build
 * makes its files of `src/demo/pages`. On the demo's own machine, browsers open the console without a link. Requests that foreign
 * pages or other machines make are recognized and refused.
 *
 * @module
 */
import { isIP } from "node:net"
import { Clock, Deferred, Effect, type Layer, Option, Stream } from "effect"
import { Headers, HttpEffect, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Built from "../pages/Built.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import { isLoopback, isLoopbackHost } from "../platform/http/Host.ts"
import * as Incoming from "../platform/http/Incoming.ts"
import * as Origin from "../platform/http/Origin.ts"
import * as Text from "../platform/text/Text.ts"
import { localSessionCookie } from "../sites/access/AuthenticationApi.ts"
import * as ConsoleSession from "../sites/access/ConsoleSession.ts"
import * as Credential from "../sites/access/Credential.ts"
import { current } from "../sites/access/CurrentSessionApi.ts"
import { cookieOptions } from "../sites/access/CurrentSessionHttp.ts"
import type { Numbered } from "./Arrival.ts"
import type { Demo } from "./DemoData.ts"
import type { DemoFeed } from "./DemoFeed.ts"

/** The request headers that name the page that made the request. */
export interface PageHeaders {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly secFetchSite: string | undefined
}

/** Whether a name cannot be in the public DNS. The owner of a public name could point it here (DNS rebinding). */
const isLocalName = (name: string): boolean =>
  !name.includes(".") || /\.(?:localhost|local|internal|home\.arpa)$/.test(name)

/** Whether a host is an IP address or a local name. DNS rebinding needs a public name. */
const cannotBeRebound = (host: string): boolean => {
  const name = URL.parse(`http://${host}`)?.hostname
  if (name === undefined || name === "") return false
  return isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0 || isLocalName(name.replace(/\.$/, ""))
}

/**
 * Whether a request comes from a page of the program itself or from no page: `Host` is an IP address or a local name,
 * `Origin` is absent or has that host, and `Sec-Fetch-Site` is absent, `same-origin` or `none`. Browsers omit
 * `Sec-Fetch-Site` for URLs that are neither https nor loopback.
 */
export const isFromNoForeignPage = ({ host, origin, secFetchSite }: PageHeaders): boolean =>
  host !== undefined &&
  cannotBeRebound(host) &&
  (origin === undefined || URL.parse(origin)?.host === URL.parse(`http://${host}`)?.host) &&
  (secFetchSite === undefined || secFetchSite === "same-origin" || secFetchSite === "none")

/** Headers that proxies and tunnels add to the requests that they forward. */
export const forwardingHeaders = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-server",
  "x-real-ip",
  "cf-connecting-ip"
] as const

/** What shows who sent a request: its headers, with names in lower case, and the IP address of the socket's peer. */
export interface Sender {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly peer: string
}

/**
 * Whether a program on this machine sent the request. A proxy or a tunnel on this machine that adds none of these headers cannot
 * be recognized: its requests count as local, wherever they come from.
 */
export const isFromThisMachine = ({ headers, peer }: Sender): boolean =>
  isLoopback(peer) &&
  isLoopbackHost(headers["host"]) &&
  forwardingHeaders.every((header) => headers[header] === undefined)

/** A strict Content-Security-Policy, to show that the tracker, the forms and the chat work with it. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:",
  "frame-src 'self'",
  "frame-ancestors 'self'",
  "form-action 'self'",
  "base-uri 'none'"
].join("; ")

const headers = {
  "cache-control": "no-store",
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin"
}

export const pages = {
  "/demo/site": { file: "home.html", title: "Fjordlight Kayaks" },
  "/demo/site/tours": { file: "tours.html", title: "Tours · Fjordlight Kayaks" },
  "/demo/site/contact": { file: "contact.html", title: "Contact · Fjordlight Kayaks" }
} as const

/** Replaces `{{name}}` with its value; a name without a value is left as it is. Pure. */
export const fill = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name]! : whole))

const read = (name: string) => Effect.promise(() => Built.text(`${Built.places.demo}/${name}`))

const frame = (arrival: Numbered): string => `id: ${arrival.number}\ndata: ${JSON.stringify(arrival)}\n\n`

const comment = ": ping\n\n"

/** Whether `/demo` itself, or a program, sent the request. Pages of other websites must not read the feed. */
const mayRead = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  isFromNoForeignPage({
    host: headers["host"],
    origin: headers["origin"],
    secFetchSite: headers["sec-fetch-site"]
  })

/** Removes the CORS headers that the service adds to every response. */
const withoutCors = HttpEffect.withPreResponseHandler((_, response) =>
  Effect.succeed(
    Object.keys(Origin.answerHeaders).reduce((rest, name) => HttpServerResponse.removeHeader(rest, name), response)
  )
)

const refused = ErrorResponses.refusal(
  403,
  "Only the demo's own page may read this feed. Open /demo by localhost or by an IP address.",
  headers
)

export interface Options {
  /** Whether the demo links to the console. */
  readonly console: boolean
}

const consoleLink = '<a href="/console/" target="_blank">Console</a> '

/**
 * The routes of the demo. Pages wait until `open` is called with the demo's ids, which are created once the server is
 * running.
 */
export const make = Effect.fnUntraced(function* (feed: DemoFeed, options: Options = { console: false }) {
  const opened = yield* Deferred.make<Demo>()

  const html = (body: string) => HttpServerResponse.text(body, { contentType: "text/html; charset=utf-8", headers })

  const shell = Effect.gen(function* () {
    const demo = yield* Deferred.await(opened)
    const values = Object.fromEntries(Object.entries(demo).map(([name, value]) => [name, Text.escapeHtml(value)]))
    return html(fill(yield* read("shell.html"), { ...values, console: options.console ? consoleLink : "" }))
  })

  const page = Effect.fnUntraced(function* (path: keyof typeof pages) {
    const demo = yield* Deferred.await(opened)
    const { file, title } = pages[path]
    const values = Object.fromEntries(Object.entries(demo).map(([name, value]) => [name, Text.escapeHtml(value)]))
    const main = fill(yield* read(`site/${file}`), values)
    return html(fill(yield* read("site/layout.html"), { ...values, title, main }))
  })

  const file = (name: string) =>
    Effect.map(read(name), (text) =>
      HttpServerResponse.text(text, {
        contentType: `text/${name.endsWith(".css") ? "css" : "javascript"}; charset=utf-8`,
        headers
      })
    )

  const events = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (!mayRead(request)) return refused
    return HttpServerResponse.stream(
      Stream.succeed(comment).pipe(
        Stream.concat(
          Stream.merge(
            Stream.map(feed.arrivals, frame),
            Stream.map(Stream.drop(Stream.tick("15 seconds"), 1), () => comment),
            { haltStrategy: "left" }
          )
        ),
        Stream.encodeText
      ),
      { contentType: "text/event-stream", headers: { ...headers, "x-accel-buffering": "no" } }
    )
  }).pipe(withoutCors)

  const routes = [
    HttpRouter.route("GET", "/demo", shell),
    HttpRouter.route("GET", "/demo/", HttpServerResponse.redirect("/demo")),
    HttpRouter.route("GET", "/demo/site", page("/demo/site")),
    HttpRouter.route("GET", "/demo/site/tours", page("/demo/site/tours")),
    HttpRouter.route("GET", "/demo/site/contact", page("/demo/site/contact")),
    ...Built.demoFiles.map((name) => HttpRouter.route("GET", `/demo/assets/${name}`, file(name))),
    HttpRouter.route("GET", "/demo/events", events)
  ]

  return {
    routes: HttpRouter.addAll(routes),
    /** Sets the ids in the pages. */
    open: (demo: Demo) => Effect.asVoid(Deferred.succeed(opened, demo))
  }
})

/** Whether the console, in a browser on this machine, requests its session. */
const isSessionRequest = (request: HttpServerRequest.HttpServerRequest): boolean => {
  const { headers, method, url } = request
  return (
    method === "GET" &&
    url.split("?", 1)[0] === current.path &&
    headers["authorization"] === undefined &&
    ConsoleSession.isSameOrigin(headers["sec-fetch-site"]) &&
    isFromThisMachine({ headers, peer: Incoming.fromRequest(request).peer })
  )
}

/**
 * If a console in a browser on this machine has no session, opens one and answers the console's request in it. Not if its session
 * ended while the demo ran: a person who was removed stays logged out.
 */
export const openConsole: Layer.Layer<never, never, HttpRouter.HttpRouter | ConsoleSession.ConsoleSessions> =
  HttpRouter.middleware(
    Effect.gen(function* () {
      const sessions = yield* ConsoleSession.ConsoleSessions
      /** The digests of the cookies of open sessions that were seen. */
      const seen = new Set<string>()

      /** Opens a session for all websites, and returns its cookie. */
      const openSession = Effect.gen(function* () {
        const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
        const created = yield* sessions.createLink({ role: "owner", sites: "all", label: "Demo", linkExpiresAt })
        return Option.isNone(created) ? Option.none() : yield* sessions.open(created.value.link)
      })

      return Effect.fnUntraced(function* (app) {
        const request = yield* HttpServerRequest.HttpServerRequest
        if (!isSessionRequest(request)) return yield* app
        // If the database is unavailable, the service's own error response is sent.
        const sent = request.cookies[localSessionCookie.key] ?? ""
        const authenticated = yield* Effect.option(sessions.authenticate(sent))
        const sentDigest = Buffer.from(Credential.digest(sent)).toString("hex")
        if (Option.isSome(Option.flatten(authenticated))) seen.add(sentDigest)
        if (Option.isNone(authenticated) || seen.has(sentDigest)) return yield* app
        const opened = Option.flatten(yield* Effect.option(openSession))
        if (Option.isNone(opened)) return yield* app
        const { cookie } = opened.value
        const answered = yield* Effect.provideService(
          app,
          HttpServerRequest.HttpServerRequest,
          request.modify({ headers: Headers.set(request.headers, "cookie", `${localSessionCookie.key}=${cookie}`) })
        )
        return HttpServerResponse.setCookieUnsafe(
          answered,
          localSessionCookie.key,
          cookie,
          cookieOptions(ConsoleSession.limits.cookie, false)
        )
      })
    }),
    { global: true }
  )
