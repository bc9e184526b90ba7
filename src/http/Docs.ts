/**
 * `GET /docs`: a page that shows the contract and needs nothing from the internet. (`GET /openapi.json` comes with the
 * endpoints.)
 *
 * @module
 */
import { Effect, Scope } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { Api } from "../contract/Api.ts"
import * as Compressed from "./Compressed.ts"

export const openApiPath = "/openapi.json"
const docsPath = "/docs"

export const paths = [
  { method: "GET", path: openApiPath },
  { method: "GET", path: docsPath }
]

/** Brotli's: a better one takes seconds for this page. */
const quality = 5

/** The page, with all that it is made of: 13 MB, which only a process that is asked for it shall hold. */
const page = Effect.promise(() => import("effect/http-api/HttpApiScalar")).pipe(
  Effect.flatMap((Scalar) =>
    HttpRouter.toHttpEffect(Scalar.layer(Api, { path: docsPath, scalar: { withDefaultFonts: false } }))
  ),
  Effect.flatten
)

/** Without an icon of the page's own, a browser asks for `/favicon.ico`, and tells whoever reads its console of the 404. */
const icon = '<link rel="icon" href="data:," />'

const withIcon = (page: Uint8Array): Uint8Array =>
  Buffer.from(
    Buffer.from(page)
      .toString("utf8")
      .replace("</title>", () => `</title>\n    ${icon}`)
  )

/** As bytes: whoever asks for it thousands of times on one connection would have the text written anew each time. */
const compressed = Effect.flatMap(page, ({ body }) =>
  body._tag === "Uint8Array"
    ? Effect.promise(() => Compressed.make(withIcon(body.body), quality))
    : Effect.die(new Error("The page of the documentation is no text"))
)

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const scope = yield* Effect.scope
    const made = yield* Effect.cached(Effect.provideService(compressed, Scope.Scope, scope))
    yield* router.add(
      "GET",
      docsPath,
      Effect.gen(function* () {
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        return Compressed.respond(
          yield* made,
          { acceptEncoding: headers["accept-encoding"], ifNoneMatch: headers["if-none-match"] },
          { contentType: "text/html; charset=utf-8", headers: { "cache-control": "no-cache" } }
        )
      })
    )
  })
)
