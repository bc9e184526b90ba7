/**
 * The page at `GET /` for browsers, and the page of an unknown address. Other clients get the 404 of an unknown path, as JSON.
 *
 * @module
 */
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import * as Design from "../platform/design/Design.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Assets from "./Assets.ts"
import * as Built from "./Built.ts"
import * as Page from "./Page.ts"
import * as StaticContent from "./StaticContent.ts"

/** Links to the parts of a server. */
const linksTo = ({ console, demo }: Page.Parts): string => {
  const card = (href: string, title: string, text: string) =>
    `<li><a class="card" href="${href}"><b>${title}</b><span>${text}</span></a></li>`
  return `<ul class="cards">
${demo ? card("/demo", "Demo", "A small website, and beside it what arrives here.") : ""}
${console ? card("/console/", "Console", "The statistics, submissions and conversations of your websites.") : ""}
${card("/docs", "Guides", "How to add the service to a website, and how to operate it.")}
${card("/docs/reference", "API reference", "Every endpoint, with its fields and responses.")}
</ul>`
}

/** The page at `/`. */
export const render = (files: Page.Files, parts: Page.Parts): string => {
  const [first, second] = [
    ...(parts.demo ? [["/demo", "Open the demo"]] : []),
    ...(parts.console ? [["/console/", "Open the console"]] : []),
    ["/docs", "Read the guides"]
  ]
  const state = `<p class="state"><a href="/readyz" data-state="/readyz">State of the service</a></p>`
  const picture = `<picture><source srcset="${files.darkPicture}" media="(prefers-color-scheme: dark)">
<img src="${files.picture}" width="1280" height="880" alt="The console: the visitors of a website as numbers and a chart"></picture>`
  const body = `<main id="content" class="start" tabindex="-1">
<div class="hero">
<div>
<div class="tile">${Design.markSvg()}</div>
<h1>See who visits your website, receive what they send, and answer what they ask.</h1>
<p class="actions"><a class="button primary" href="${first?.[0]}">${first?.[1]}</a>${
    second === undefined ? "" : ` <a class="button" href="${second[0]}">${second[1]}</a>`
  }</p>
${parts.health ? state : ""}
</div>
${parts.console ? picture : ""}
</div>
${linksTo(parts)}
</main>`
  return Page.render({ title: "Start", current: "/", body }, files, parts)
}

/** The page at an unknown address. It does not show the address, which may contain a secret. */
export const renderUnknown = (files: Page.Files, parts: Page.Parts): string => {
  const body = `<main id="content" class="start" tabindex="-1">
<p class="kicker">404</p>
<h1>There is nothing at this address</h1>
<p class="lead">Check the address. These pages exist:</p>
${linksTo(parts)}
</main>`
  return Page.render({ title: "Not found", current: "", body }, files, parts)
}

/** Brotli's quality. */
const quality = 11

export const layer = (parts: Page.Parts) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const files = yield* Assets.readPaths
      const page = yield* StaticContent.once(
        Effect.flatMap(files, (files) =>
          Effect.promise(() => Built.compress(Buffer.from(render(files, parts)), quality))
        )
      )
      yield* router.add(
        "GET",
        "/",
        Effect.gen(function* () {
          const { headers } = yield* HttpServerRequest.HttpServerRequest
          if (!Page.wantsHtml(headers["accept"])) return ErrorResponses.unknownPath
          return yield* StaticContent.respond(yield* page, {
            contentType: "text/html; charset=utf-8",
            headers: { ...Page.headers, "cache-control": "no-cache", vary: "Accept, Accept-Encoding" }
          })
        }).pipe(Effect.catch(Effect.succeed))
      )
    })
  )
