/**
 * Serves the files that websites load (`Built.scripts`), such as `GET /v1/public/embed.js`. The plain name is cacheable for a
 * short time, the name with a hash, as in `embed.{hash}.js`, for a year. A request with any other hash, such as that of an old
 * version, gets the current version, cacheable for a short time, so that pages made before an upgrade continue to work.
 *
 * Also serves what the service's own pages load besides the console's files, such as the font at `GET /assets/font-{hash}.woff2`.
 *
 * @module
 */
import { Effect } from "effect"
import { HttpRouter, type HttpServerResponse } from "effect/http"
import * as Built from "./Built.ts"
import type * as Page from "./Page.ts"
import * as StaticContent from "./StaticContent.ts"

const pathOf = (name: Built.Script, hash?: string): `/${string}` => `/v1/public/${Built.fileName(name, hash)}`

/** The paths of the files of websites, for `server/Middleware`. */
export const paths = Built.scripts.flatMap((name) => [
  { method: "GET", path: pathOf(name) },
  { method: "GET", path: pathOf(name, ":hash") }
])

/** Five minutes, then a day in which a cache may serve the old version while it fetches the new one. */
const shortLived = "public, max-age=300, stale-while-revalidate=86400"

const immutable = "public, max-age=31536000, immutable"

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    for (const name of Built.scripts) {
      const content = yield* StaticContent.built(Built.fileName(name), () => Built.script(name))
      const handler = Effect.gen(function* () {
        const { params } = yield* HttpRouter.RouteContext
        const script = yield* content
        return yield* StaticContent.respond(script, {
          contentType: `text/${Built.isStyle(name) ? "css" : "javascript"}; charset=utf-8`,
          headers: {
            "cache-control": params["hash"] === script.hash ? immutable : shortLived,
            "cross-origin-resource-policy": "cross-origin",
            "timing-allow-origin": "*",
            "x-content-type-options": "nosniff"
          }
        })
      }).pipe(Effect.catch(Effect.succeed))
      yield* router.add("GET", pathOf(name), handler)
      yield* router.add("GET", pathOf(name, ":hash(^[0-9a-f]{8})"), handler)
    }
  })
)

const pagePath = "/assets/:file"

/** The paths of the files of pages, for `server/Middleware`. */
export const pagePaths = [{ method: "GET", path: pagePath }]

/** Reads the paths of the files that pages name, once. */
export type ReadPaths = Effect.Effect<Page.Files, HttpServerResponse.HttpServerResponse>

export const readPaths: Effect.Effect<ReadPaths> = StaticContent.built("The files of the pages", async () =>
  JSON.parse(await Built.text(Built.places.paths))
)

export const pageLayer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const files = yield* StaticContent.built("The files of the pages", () => Built.allCompressed(Built.places.assets))
    yield* router.add("GET", pagePath, StaticContent.hashedFile(files))
  })
)
