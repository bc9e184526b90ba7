/**
 * Serves the documentation. All pages work offline:
 *
 * - `GET /docs`: the list of the guides and endpoints;
 * - `GET /docs/{guide}`: a guide of `src/docs`;
 * - `GET /docs/reference` and `GET /docs/reference/owner`: the public API and the owner API, shown by Scalar;
 * - `GET /openapi.json` and `GET /openapi-owner.json`: the OpenAPI documents of the two APIs.
 *
 * @module
 */
import { Effect, Scope } from "effect"
import { HttpRouter } from "effect/http"
import type * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../api/Api.ts"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Assets from "./Assets.ts"
import * as Built from "./Built.ts"
import * as GuidePage from "./GuidePage.ts"
import * as Page from "./Page.ts"
import * as StaticContent from "./StaticContent.ts"

/** The guides in their groups, in the order of the list. */
const groups = {
  Start: ["website", "console", "people", "chat"],
  Use: ["statistics", "mail", "webhooks", "health", "commands"],
  Operate: ["operator", "containers", "monitoring", "clickhouse", "growth", "security"],
  Reference: ["settings", "api", "owner-api", "developing"]
} as const

export const guides = Object.values(groups).flat()

const indexPaths = ["/docs", "/docs/"] as const
const guidePath = (name: string): `/${string}` => `/docs/${name}`

/**
 * Without these settings, a reference loads fonts from the internet and offers Scalar's services there. `ScalarConfig` lacks
 * the last two; Effect passes them on.
 */
const offline = { theme: "none", withDefaultFonts: false, showDeveloperTools: "never", hideClientButton: true } as const

/** An API with the paths of its document and of its reference. */
const describe = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  title: string,
  api: HttpApi.HttpApi<Id, Groups>,
  paths: { readonly document: `/${string}`; readonly reference: `/${string}` }
) => ({
  title,
  ...paths,
  specification: () => OpenApi.fromApi(api),
  // The layer, which loads Scalar's 3 MB, is built when a reference is first requested.
  render: Effect.flatten(HttpRouter.toHttpEffect(HttpApiScalar.layer(api, { path: paths.reference, scalar: offline })))
})

const apis = [
  describe("For visitors' browsers", Api, { document: "/openapi.json", reference: "/docs/reference" }),
  describe("For owners' programs", OwnerApi, {
    document: "/openapi-owner.json",
    reference: "/docs/reference/owner"
  })
]

export const paths = [
  ...indexPaths,
  ...apis.flatMap(({ document, reference }) => [document, reference]),
  ...guides.map(guidePath)
].map((path) => ({
  method: "GET",
  path
}))

/** Brotli's quality: a higher one takes seconds for the reference. */
const quality = 5

const compress = (text: string) => Effect.promise(() => Built.compress(Buffer.from(text), quality))

/** The reference under the top of the other pages. */
const referencePage = ({ reference, render }: (typeof apis)[number], files: Page.Files, parts: Page.Parts) =>
  Effect.flatMap(render, ({ body }) => {
    if (body._tag !== "Uint8Array") return Effect.die(new Error("The body of the reference is not a Uint8Array"))
    const head = `${Page.head(files)}\n<link rel="stylesheet" href="${files.referenceStyle}">`
    return compress(
      new TextDecoder()
        .decode(body.body)
        .replace("<html>", '<html lang="en">')
        .replace("</head>", () => `${head}\n</head>`)
        .replace("<body>", () => `<body class="light-mode">\n${GuidePage.referenceTop(reference, parts)}`)
    )
  })

/** Reads the guides, in the order of the list. */
const readGroups = async (): Promise<ReadonlyArray<GuidePage.Group>> => {
  const all: Readonly<Record<string, GuidePage.Guide>> = JSON.parse(await Built.text(Built.places.guides))
  return Object.entries(groups).map(([title, names]) => ({ title, guides: names.map((name) => all[name]!) }))
}

const endpoints = ({ paths }: OpenApi.OpenAPISpec) =>
  Object.entries(paths).flatMap(([path, { delete: remove, get, patch, post, put }]) =>
    Object.entries({ get, post, put, patch, delete: remove }).flatMap(([method, operation]) =>
      operation === undefined ? [] : [{ method: method.toUpperCase(), path, summary: operation.summary ?? "" }]
    )
  )

/**
 * Serves content that is made at the first request. All responses share its bytes, so that thousands of pipelined requests
 * need no copies.
 */
const serve = Effect.fnUntraced(function* <E, R>(
  content: Effect.Effect<Built.Compressed, E, R>,
  contentType: string,
  headersOf: (content: Built.Compressed) => Readonly<Record<string, string>>
) {
  const made = yield* StaticContent.once(
    Effect.map(content, (compressed) => ({
      compressed,
      options: { contentType, headers: { "cache-control": "no-cache", ...headersOf(compressed) } }
    }))
  )
  return Effect.flatMap(made, ({ compressed, options }) => StaticContent.respond(compressed, options))
})

const pageHeaders = () => Page.headers

/** Allows the scripts that the page contains, its styles and images, and this origin's styles, fonts and requests. */
const referencePolicy = (html: string): string =>
  [
    "default-src 'none'",
    `script-src ${Page.sourcesOf(html)}`,
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")

const referenceHeaders = ({ bytes }: Built.Compressed) => ({
  ...Page.headers,
  "content-security-policy": referencePolicy(new TextDecoder().decode(bytes.identity))
})

const documentHeaders = () => ({ "x-content-type-options": "nosniff" })

const html = "text/html; charset=utf-8"

export const layer = (parts: Page.Parts) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const scope = yield* Effect.scope
      const files = yield* Assets.readPaths
      const read = yield* StaticContent.built("The guides", readGroups)
      const index = Effect.gen(function* () {
        const listed = apis.map((described) => ({ ...described, endpoints: endpoints(described.specification()) }))
        return yield* compress(GuidePage.renderIndex(yield* read, listed, yield* files, parts))
      })
      const indexPage = yield* serve(index, html, pageHeaders)
      for (const path of indexPaths) yield* router.add("GET", path, indexPage)
      for (const described of apis) {
        const document = Effect.suspend(() => compress(JSON.stringify(described.specification())))
        const page = Effect.flatMap(files, (files) => referencePage(described, files, parts)).pipe(
          Effect.provideService(Scope.Scope, scope)
        )
        yield* router.add("GET", described.document, yield* serve(document, "application/json", documentHeaders))
        yield* router.add("GET", described.reference, yield* serve(page, html, referenceHeaders))
      }
      for (const name of guides) {
        const page = Effect.gen(function* () {
          const groups = yield* read
          const guide = groups.flatMap((group) => group.guides).find((guide) => guide.name === name)!
          return yield* compress(GuidePage.render(guide, groups, yield* files, parts))
        })
        yield* router.add("GET", guidePath(name), yield* serve(page, html, pageHeaders))
      }
    })
  )
