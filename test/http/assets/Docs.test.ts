/**
 * The documentation: the same in every coding, and not sent to whoever has it.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../../../src/contract/Api.ts"
import { decoders, get } from "../../support/RawResponses.ts"
import { layer as testServer } from "../../support/TestServer.ts"

for (const [path, contentType, check] of [
  [
    "/docs",
    "text/html; charset=utf-8",
    (page: string) => {
      assert.include(page, "<!doctype html>")
      assert.include(page, "/v1/public/analytics/track")
      // In its head, and so before a browser looks for one elsewhere.
      assert.include(page.slice(0, page.indexOf("</head>")), '<link rel="icon" href="data:," />')
    }
  ],
  [
    "/openapi.json",
    "application/json",
    (document: string) => assert.strictEqual(document, JSON.stringify(OpenApi.fromApi(Api)))
  ]
] as const) {
  layer(testServer(), { excludeTestServices: true })(`GET ${path}`, (it) => {
    it.effect("gives the same in each coding, with a tag of its own, and nothing to whoever knows that", () =>
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
          const known = yield* get(path, { "accept-encoding": coding, "if-none-match": etag })
          assert.deepStrictEqual([known.status, known.bytes.length], [304, 0])
        }
        assert.strictEqual(tags.size, 3)
        assert.strictEqual(pages.size, 1)
        for (const page of pages) check(page)
      })
    )

    it.effect("tells a HEAD what a GET would give", () =>
      Effect.gen(function* () {
        const [head, full] = [yield* get(path, {}, "HEAD"), yield* get(path)]
        assert.deepStrictEqual([head.status, head.bytes.length], [200, 0])
        assert.strictEqual(head.headers["content-length"], String(full.bytes.length))
      })
    )
  })
}
