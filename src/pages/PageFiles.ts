/**
 * Serves what the service's own pages load besides the console's files: the font at `GET /assets/font-{hash}.woff2`.
 *
 * @module
 */
import { Effect } from "effect"
import { HttpRouter } from "effect/http"
import * as Built from "./Built.ts"
import * as HashedFiles from "./HashedFiles.ts"
import * as StaticContent from "./StaticContent.ts"

const path = "/assets/:file"

/** The paths of this module, for `server/Middleware`. */
export const paths = [{ method: "GET", path }]

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const files = yield* StaticContent.built("The files of the pages", () => Built.allCompressed(Built.places.assets))
    yield* router.add("GET", path, HashedFiles.handler(files))
  })
)
