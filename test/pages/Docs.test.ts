/**
 * The documentation: the same content in every coding, with one ETag per coding, and a 304 for a client that has it.
 */
import { readdirSync } from "node:fs"
import path from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../../src/api/Api.ts"
import { OwnerApi } from "../../src/api/OwnerApi.ts"
import { guides, paths } from "../../src/pages/Docs.ts"
import { decoders, get } from "../support/RawResponses.ts"
import { layer as testServer } from "../support/TestServer.ts"

const html = "text/html; charset=utf-8"

const includes =
  (...texts: ReadonlyArray<string>) =>
  (page: string) => {
    assert.match(page, /^<!doctype html>/)
    // A browser requests /favicon.ico unless the head names an icon.
    assert.include(page.slice(0, page.indexOf("</head>")), '<link rel="icon" href="data:image/svg+xml,')
    for (const text of texts) assert.include(page, text)
  }

/** The operations of both APIs, as the list shows them. */
const operations = [OpenApi.fromApi(Api), OpenApi.fromApi(OwnerApi)].flatMap(({ paths }) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `<code>${method.toUpperCase()} ${path}</code>`)
  )
)

const cases: ReadonlyArray<readonly [path: string, contentType: string, check: (body: string) => void]> = [
  ...["/docs", "/docs/"].map(
    (path) => [path, html, includes(...operations, ...guides.map((name) => `href="/docs/${name}"`))] as const
  ),
  ...guides.map((name) => [`/docs/${name}`, html, includes("<h1 id=", 'aria-current="page"')] as const),
  ["/docs/reference", html, includes("/v1/public/analytics/track", 'href="/docs/reference/owner"')],
  ["/docs/reference/owner", html, includes("/v1/owner/query", 'href="/docs/reference"')],
  [
    "/openapi.json",
    "application/json",
    (document) => assert.strictEqual(document, JSON.stringify(OpenApi.fromApi(Api)))
  ],
  [
    "/openapi-owner.json",
    "application/json",
    (document) => assert.strictEqual(document, JSON.stringify(OpenApi.fromApi(OwnerApi)))
  ]
]

layer(testServer(), { excludeTestServices: true })("the documentation", (it) => {
  it.effect("is served at the listed paths", () =>
    Effect.sync(() =>
      assert.sameMembers(
        paths.map(({ path }) => path),
        cases.map(([path]) => path)
      )
    )
  )

  for (const [path, contentType, check] of cases) {
    it.effect(`${path} is the same in each coding, with one ETag per coding, and 304 for a client that has it`, () =>
      Effect.gen(function* () {
        const tags = new Set<string | undefined>()
        const pages = new Set<string>()
        for (const coding of ["br", "gzip", "identity"] as const) {
          const answer = yield* get(path, { "accept-encoding": coding })
          assert.deepStrictEqual(
            [answer.status, answer.headers["content-type"], answer.headers["content-encoding"] ?? "identity"],
            [200, contentType, coding]
          )
          pages.add(decoders[coding](answer.bytes).toString())
          const { etag = "" } = answer.headers
          tags.add(etag)
          const notModified = yield* get(path, { "accept-encoding": coding, "if-none-match": etag })
          assert.deepStrictEqual([notModified.status, notModified.bytes.length], [304, 0])
        }
        assert.strictEqual(tags.size, 3)
        assert.strictEqual(pages.size, 1)
        for (const page of pages) check(page)
      })
    )

    it.effect(`${path} answers HEAD with the content length of GET`, () =>
      Effect.gen(function* () {
        const [head, full] = [yield* get(path, {}, "HEAD"), yield* get(path)]
        assert.deepStrictEqual([head.status, head.bytes.length], [200, 0])
        assert.strictEqual(head.headers["content-length"], String(full.bytes.length))
      })
    )
  }

  it.effect("a guide's policy allows this origin only, and scripts make no HTML from strings", () =>
    Effect.gen(function* () {
      for (const name of ["", ...guides.map((guide) => `/${guide}`)]) {
        const { headers } = yield* get(`/docs${name}`)
        const policy = String(headers["content-security-policy"])
        assert.match(
          policy,
          /^default-src 'none'; script-src 'self' 'sha256-[^' ]+'; style-src 'self'; connect-src 'self'; font-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'$/
        )
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
      }
    })
  )

  it.effect("the files that a page names exist, and browsers keep them for a year", () =>
    Effect.gen(function* () {
      const page = (yield* get("/docs/chat")).bytes.toString()
      const reference = (yield* get("/docs/reference")).bytes.toString()
      const named = [...`${page}${reference}`.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path)
      assert.sameMembers(
        [...new Set(named.map((path) => path.replace(/-[^-]+(?=\.\w+$)/, "")))],
        ["font.woff2", "pages.css", "pages.js", "reference.css", "search.json"].map((name) => `/assets/${name}`)
      )
      for (const path of named) {
        const { headers, status } = yield* get(path)
        assert.deepStrictEqual([status, headers["cache-control"]], [200, "public, max-age=31536000, immutable"], path)
      }
    })
  )

  it.effect("each guide leads to the one before and the next, and the list has all in four groups", () =>
    Effect.gen(function* () {
      for (const [at, name] of guides.entries()) {
        const page = (yield* get(`/docs/${name}`)).bytes.toString()
        const turn = (rel: string) => new RegExp(`rel="${rel}" href="/docs/([a-z-]+)"`).exec(page)?.[1]
        assert.deepStrictEqual([turn("prev"), turn("next")], [guides[at - 1], guides[at + 1]], name)
        const list = /<nav class="guides"[\s\S]+?<\/nav>/.exec(page)?.[0] ?? ""
        assert.strictEqual(list.match(/<ul>/g)?.length, 4)
        for (const path of [...guides, "reference", "reference/owner"]) assert.include(list, `href="/docs/${path}"`)
      }
    })
  )

  it.effect("a reference's policy allows the scripts of its page only", () =>
    Effect.gen(function* () {
      for (const path of ["/docs/reference", "/docs/reference/owner"]) {
        const { headers } = yield* get(path)
        const policy = String(headers["content-security-policy"])
        assert.match(
          policy,
          /^default-src 'none'; script-src (?:'sha256-[^']+' ?)+; style-src 'self' 'unsafe-inline'; font-src 'self'/
        )
        assert.include(policy, "frame-ancestors 'none'")
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
      }
    })
  )

  it.effect("a guide that does not exist gets a 404, and no file is reachable by its path", () =>
    Effect.gen(function* () {
      for (const path of ["/docs/nothing", "/docs/api.md", "/docs/..%2Fmain.ts", "/docs//"]) {
        assert.strictEqual((yield* get(path)).status, 404, path)
      }
    })
  )
})

describe("src/docs", () => {
  it("every guide is listed", () => {
    const files = readdirSync(path.resolve(import.meta.dirname, "../../src/docs"))
    assert.sameMembers(
      files.filter((name) => name.endsWith(".md")),
      guides.map((name) => `${name}.md`)
    )
  })
})
