/**
 * Serves the documentation. All pages work offline:
 *
 * - `GET /docs`: the list of the guides and endpoints;
 * - `GET /docs/{guide}`: a guide of `src/docs`;
 * - `GET /docs/reference`: the contract, shown by Scalar;
 * - `GET /openapi.json`: the contract as a document.
 *
 * @module
 */
import { readFile } from "node:fs/promises"
import { Effect, Scope } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../../contract/Api.ts"
import * as GuidePage from "./GuidePage.ts"
import * as StaticContent from "./StaticContent.ts"

/** The guides, in the order of the list. */
export const guides = ["website", "chat", "commands", "operator", "settings", "security", "api", "developing"] as const

const openApiPath = "/openapi.json"
const indexPath = "/docs"
const referencePath = "/docs/reference"
const guidePath = (name: (typeof guides)[number]): `/${string}` => `/docs/${name}`

export const paths = [openApiPath, indexPath, referencePath, ...guides.map(guidePath)].map((path) => ({
  method: "GET",
  path
}))

/** Brotli's quality: a higher one takes seconds for the reference. */
const quality = 5

const compress = (text: string) => Effect.promise(() => StaticContent.make(Buffer.from(text), quality))

/** The module is 13 MB, so it is loaded when the page is first requested. */
const scalar = Effect.promise(() => import("effect/http-api/HttpApiScalar")).pipe(
  Effect.flatMap((Scalar) =>
    HttpRouter.toHttpEffect(Scalar.layer(Api, { path: referencePath, scalar: { withDefaultFonts: false } }))
  ),
  Effect.flatten
)

const reference = Effect.flatMap(scalar, ({ body }) =>
  body._tag === "Uint8Array"
    ? compress(new TextDecoder().decode(body.body).replace("</title>", () => `</title>\n    ${GuidePage.icon}`))
    : Effect.die(new Error("The reference is no text"))
)

const readGuides = Effect.promise(() =>
  Promise.all(
    guides.map(async (name) =>
      GuidePage.parse(name, await readFile(new URL(`../../docs/${name}.md`, import.meta.url), "utf8"))
    )
  )
)

const endpoints = ({ paths }: OpenApi.OpenAPISpec) =>
  Object.entries(paths).flatMap(([path, { get, post }]) =>
    Object.entries({ get, post }).flatMap(([method, operation]) =>
      operation === undefined ? [] : [{ method: method.toUpperCase(), path, summary: operation.summary ?? "" }]
    )
  )

/**
 * Serves content that is made at the first request. All responses share its bytes, so that thousands of pipelined requests
 * need no copies.
 */
const serve = Effect.fnUntraced(function* <E, R>(
  content: Effect.Effect<StaticContent.Compressed, E, R>,
  contentType: string,
  more: Readonly<Record<string, string>> = {}
) {
  const compressed = yield* StaticContent.once(content)
  return Effect.gen(function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    return StaticContent.respond(
      yield* compressed,
      { acceptEncoding: headers["accept-encoding"], ifNoneMatch: headers["if-none-match"] },
      { contentType, headers: { "cache-control": "no-cache", ...more } }
    )
  })
})

const html = "text/html; charset=utf-8"

const guideHeaders = {
  "content-security-policy": GuidePage.policy,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const scope = yield* Effect.scope
    const document = Effect.sync(() => OpenApi.fromApi(Api))
    const read = yield* StaticContent.once(readGuides)
    const index = Effect.flatMap(Effect.all([read, document]), ([all, contract]) =>
      compress(GuidePage.renderIndex(all, endpoints(contract)))
    )
    const contract = Effect.flatMap(document, (made) => compress(JSON.stringify(made)))
    yield* router.add("GET", openApiPath, yield* serve(contract, "application/json"))
    yield* router.add("GET", indexPath, yield* serve(index, html, guideHeaders))
    yield* router.add("GET", referencePath, yield* serve(Effect.provideService(reference, Scope.Scope, scope), html))
    for (const [position, name] of guides.entries()) {
      const page = Effect.flatMap(read, (all) => compress(GuidePage.render(all[position]!, all)))
      yield* router.add("GET", guidePath(name), yield* serve(page, html, guideHeaders))
    }
  })
)
