/**
 * `GET /`: for browsers, a page that describes this service and links to its parts. Other clients get the 404 of an unknown
 * path, as JSON.
 *
 * @module
 */
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Compression from "./Compression.ts"
import * as Page from "./Page.ts"
import * as PageFiles from "./PageFiles.ts"
import * as StartPage from "./StartPage.ts"
import * as StaticContent from "./StaticContent.ts"

/** Brotli's quality. */
const quality = 11

export const layer = (parts: Page.Parts) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const files = yield* PageFiles.read
      const page = yield* StaticContent.once(
        Effect.flatMap(files, (files) =>
          Effect.promise(() => Compression.compress(Buffer.from(StartPage.render(files, parts)), quality))
        )
      )
      yield* router.add(
        "GET",
        "/",
        Effect.gen(function* () {
          const { headers } = yield* HttpServerRequest.HttpServerRequest
          if (!Page.wantsHtml(headers["accept"])) return ErrorResponses.unknownPath
          return StaticContent.respond(
            yield* page,
            { acceptEncoding: headers["accept-encoding"], ifNoneMatch: headers["if-none-match"] },
            {
              contentType: "text/html; charset=utf-8",
              headers: { ...Page.headers, "cache-control": "no-cache", vary: "Accept, Accept-Encoding" }
            }
          )
        }).pipe(Effect.catch(Effect.succeed))
      )
    })
  )
