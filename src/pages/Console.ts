/**
 * Serves the console: the page at `GET /console`, and the scripts and the style sheet at `GET /console/{name}-{hash}.{js,css}`,
 * which are cacheable for a year. The console's data comes from the owner API of the same origin.
 *
 * @module
 */
import { Effect } from "effect"
import { HttpRouter } from "effect/http"
import * as Built from "./Built.ts"
import * as Page from "./Page.ts"
import * as StaticContent from "./StaticContent.ts"

const pagePaths = ["/console", "/console/"] as const

const folder = "/console/"

const filePath = `${folder}:file` as const

/** The paths of this module, for `server/Middleware`. */
export const paths = [...pagePaths, filePath].map((path) => ({ method: "GET", path }))

/**
 * Allows only this origin's scripts, styles, requests and images, besides the page's own script and images in `data:` URLs.
 * Forbids frames around the console, forms that are sent without a script, and HTML that scripts make from strings.
 */
const policyOf = (page: string): string =>
  [
    "default-src 'none'",
    `script-src 'self' ${Page.sourcesOf(page)}`,
    "style-src 'self'",
    "connect-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ].join("; ")

const pageHeaders = (page: Built.Compressed) => ({
  ...StaticContent.fileHeaders,
  "cache-control": "no-cache",
  "content-security-policy": policyOf(new TextDecoder().decode(page.bytes.identity)),
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer"
})

/** Reads the page, and the scripts and style sheets by their names. */
export const read = async () => {
  const named = new Map(await Built.allCompressed(Built.places.console))
  const page = named.get("index.html")!
  named.delete("index.html")
  return { page, pageHeaders: pageHeaders(page), named }
}

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const files = yield* StaticContent.built("The console", read)
    const page = Effect.flatMap(files, ({ page, pageHeaders }) =>
      StaticContent.respond(page, { contentType: "text/html; charset=utf-8", headers: pageHeaders })
    ).pipe(Effect.catch(Effect.succeed))
    for (const path of pagePaths) yield* router.add("GET", path, page)
    yield* router.add("GET", filePath, StaticContent.hashedFile(Effect.map(files, ({ named }) => named)))
  })
)
