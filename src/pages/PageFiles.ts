/**
 * Serves what the service's own pages load besides the console's files, such as the font at `GET /assets/font-{hash}.woff2`.
 *
 * @module
 */
import { Effect } from "effect"
import { HttpRouter, type HttpServerResponse } from "effect/http"
import * as Built from "./Built.ts"
import type * as Page from "./Page.ts"
import * as StaticContent from "./StaticContent.ts"

const path = "/assets/:file"

/** The paths of this module, for `server/Middleware`. */
export const paths = [{ method: "GET", path }]

/** Reads the paths of the files that pages name, once. */
export type Read = Effect.Effect<Page.Files, HttpServerResponse.HttpServerResponse>

export const read: Effect.Effect<Read> = StaticContent.built("The files of the pages", async () =>
  JSON.parse(await Built.text(Built.places.paths))
)

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const files = yield* StaticContent.built("The files of the pages", () => Built.allCompressed(Built.places.assets))
    yield* router.add("GET", path, StaticContent.hashedFile(files))
  })
)
