/**
 * `GET /`: for browsers, a page that describes this service and links to its parts. Other clients get the 404 of an unknown
 * path, as JSON.
 *
 * @module
 */
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Fallbacks from "../middleware/Fallbacks.ts"
import * as GuidePage from "./GuidePage.ts"
import * as StaticContent from "./StaticContent.ts"

export interface Options {
  /** Whether this server has the console. */
  readonly console: boolean
  /** Whether this server has the demo. */
  readonly demo: boolean
}

/** Brotli's quality. */
const quality = 11

/** A browser that opens a page lists HTML in `Accept`; other clients accept anything, or JSON. */
const wantsHtml = (accept: string | undefined): boolean => accept?.includes("text/html") === true

export const layer = (options: Options) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const page = yield* StaticContent.once(
        Effect.promise(() => StaticContent.make(Buffer.from(GuidePage.renderHome(options)), quality))
      )
      yield* router.add(
        "GET",
        "/",
        Effect.gen(function* () {
          const { headers } = yield* HttpServerRequest.HttpServerRequest
          if (!wantsHtml(headers["accept"])) return HttpServerResponse.setHeader(Fallbacks.unknown, "vary", "Accept")
          return StaticContent.respond(
            yield* page,
            { acceptEncoding: headers["accept-encoding"], ifNoneMatch: headers["if-none-match"] },
            {
              contentType: "text/html; charset=utf-8",
              headers: { ...GuidePage.headers, "cache-control": "no-cache", vary: "Accept, Accept-Encoding" }
            }
          )
        })
      )
    })
  )
