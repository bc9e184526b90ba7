/**
 * Serves the console: the page at `GET /console`, and the scripts and the style sheet at `GET /console/{name}-{hash}.{js,css}`,
 * which are cacheable for a year. The console's data comes from the owner API of the same origin.
 *
 * @module
 */
import path from "node:path"
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Built from "./Built.ts"
import type { Compressed } from "./Compression.ts"
import * as InlineScripts from "./InlineScripts.ts"
import * as StaticContent from "./StaticContent.ts"

const pagePaths = ["/console", "/console/"] as const

const folder = "/console/"

const filePath = `${folder}:file` as const

/** The paths of this module, for `server/Middleware`. */
export const paths = [...pagePaths, filePath].map((path) => ({ method: "GET", path }))

const common = {
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff"
}

/**
 * Allows only this origin's scripts, styles, requests and images, besides the page's own script and images in `data:` URLs.
 * Forbids frames around the console, forms that are sent without a script, and HTML that scripts make from strings.
 */
const policyOf = (page: string): string =>
  [
    "default-src 'none'",
    `script-src 'self' ${InlineScripts.sourcesOf(page)}`,
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ].join("; ")

const pageHeaders = (page: Compressed) => ({
  ...common,
  "cache-control": "no-cache",
  "content-security-policy": policyOf(new TextDecoder().decode(page.bytes.identity)),
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer"
})

const fileHeaders = { ...common, "cache-control": "public, max-age=31536000, immutable" }

/** The response to a page of another version of the console, which then asks its user to load the page again. */
const unknownFile = ErrorResponses.refusal(404, "This version of the console has no such file. Load the page again.", {
  "cache-control": "no-store"
})

const contentTypes: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8"
}

/** Reads the page, and the scripts and style sheets by their names, which contain a hash of their content. */
export const read = async () => {
  const named = new Map(await Built.allCompressed(Built.places.console))
  const page = named.get("index.html")!
  named.delete("index.html")
  return { page, pageHeaders: pageHeaders(page), named }
}

const respond = (content: Compressed, contentType: string, headers: Readonly<Record<string, string>>) =>
  Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
    StaticContent.respond(
      content,
      { acceptEncoding: request.headers["accept-encoding"], ifNoneMatch: request.headers["if-none-match"] },
      { contentType, headers }
    )
  )

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const files = yield* StaticContent.built("The console", read)
    const page = Effect.flatMap(files, ({ page, pageHeaders }) =>
      respond(page, "text/html; charset=utf-8", pageHeaders)
    ).pipe(Effect.catch(Effect.succeed))
    const file = Effect.gen(function* () {
      const { named } = yield* files
      const { params } = yield* HttpRouter.RouteContext
      const name = params["file"] ?? ""
      const content = named.get(name)
      if (content === undefined) return unknownFile
      return yield* respond(content, contentTypes[path.extname(name)] ?? "application/octet-stream", fileHeaders)
    }).pipe(Effect.catch(Effect.succeed))
    for (const path of pagePaths) yield* router.add("GET", path, page)
    yield* router.add("GET", filePath, file)
  })
)
