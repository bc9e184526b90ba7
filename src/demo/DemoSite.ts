/**
 * `/demo`: a small website with page views, a form and the chat, next to a live view of what the service receives. The build
 * makes its files of `src/demo/pages`.
 *
 * @module
 */
import { Deferred, Effect, Stream } from "effect"
import { HttpEffect, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Built from "../pages/Built.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Origin from "../platform/http/Origin.ts"
import * as Text from "../platform/text/Text.ts"
import type { Numbered } from "./Arrival.ts"
import type { Demo } from "./DemoData.ts"
import type { DemoFeed } from "./DemoFeed.ts"
import * as LocalPage from "./LocalPage.ts"

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
  LocalPage.isFromNoForeignPage({
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
