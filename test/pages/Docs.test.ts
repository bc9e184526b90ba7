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
    assert.include(page.slice(0, page.indexOf("</head>")), '<link rel="icon" href="data:," />')
    for (const text of texts) assert.include(page, text)
  }

/** The operations of both APIs, as the list shows them. */
const operations = [OpenApi.fromApi(Api), OpenApi.fromApi(OwnerApi)].flatMap(({ paths }) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `<code>${method.toUpperCase()} ${path}</code>`)
  )
)

const cases: ReadonlyArray<readonly [path: string, contentType: string, check: (body: string) => void]> = [
  ["/docs", html, includes(...operations, ...guides.map((name) => `href="/docs/${name}"`))],
  ...guides.map((name) => [`/docs/${name}`, html, includes("<h1 id=", 'aria-current="page"')] as const),
  ["/docs/reference", html, includes("/v1/public/analytics/track")],
  ["/docs/reference/owner", html, includes("/v1/owner/query")],
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

  it.effect("a guide's policy forbids scripts, requests and frames", () =>
    Effect.gen(function* () {
      for (const name of ["", ...guides.map((guide) => `/${guide}`)]) {
        const { headers } = yield* get(`/docs${name}`)
        const policy = String(headers["content-security-policy"])
        assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; img-src data:; base-uri 'none'/)
        assert.include(policy, "frame-ancestors 'none'")
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
      }
    })
  )

  it.effect("a reference's policy allows the scripts of its page only", () =>
    Effect.gen(function* () {
      for (const path of ["/docs/reference", "/docs/reference/owner"]) {
        const { headers } = yield* get(path)
        const policy = String(headers["content-security-policy"])
        assert.match(policy, /^default-src 'none'; script-src (?:'sha256-[^']+' ?)+; style-src 'unsafe-inline'/)
        assert.include(policy, "frame-ancestors 'none'")
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
      }
    })
  )

  it.effect("a guide that does not exist gets a 404, and no file is reachable by its path", () =>
    Effect.gen(function* () {
      for (const path of ["/docs/nothing", "/docs/api.md", "/docs/..%2Fmain.ts", "/docs/"]) {
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
