/**
 * `GET /openapi.json`: the contract; and `GET /docs`: a page that shows it and needs nothing from the internet.
 *
 * @module
 */
import { Effect, Scope } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../../contract/Api.ts"
import * as StaticContent from "./StaticContent.ts"

const openApiPath = "/openapi.json"
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

/**
 * Both are kept as bytes that all answers share: whoever asks for one thousands of times on one connection would have a
 * text written anew each time.
 */
const compressedPage = Effect.flatMap(page, ({ body }) =>
  body._tag === "Uint8Array"
    ? Effect.promise(() => StaticContent.make(withIcon(body.body), quality))
    : Effect.die(new Error("The page of the documentation is no text"))
)

const compressedDocument = Effect.promise(() =>
  StaticContent.make(Buffer.from(JSON.stringify(OpenApi.fromApi(Api))), quality)
)

/** Answers with what is made when it is first asked for. */
const give = Effect.fnUntraced(function* <E, R>(
  content: Effect.Effect<StaticContent.Compressed, E, R>,
  contentType: string
) {
  const made = yield* StaticContent.once(content)
  return Effect.gen(function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    return StaticContent.respond(
      yield* made,
      { acceptEncoding: headers["accept-encoding"], ifNoneMatch: headers["if-none-match"] },
      { contentType, headers: { "cache-control": "no-cache" } }
    )
  })
})

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const scope = yield* Effect.scope
    const page = Effect.provideService(compressedPage, Scope.Scope, scope)
    yield* router.add("GET", openApiPath, yield* give(compressedDocument, "application/json"))
    yield* router.add("GET", docsPath, yield* give(page, "text/html; charset=utf-8"))
  })
)
