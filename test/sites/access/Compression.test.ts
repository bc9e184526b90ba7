/** Large answers of the owner API that have no text of visitors are compressed. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import * as SubmissionDrafts from "../../support/SubmissionDraft.ts"
import { TestServer, onPostgres as testServer } from "../../support/TestServer.ts"

layer(testServer(), { excludeTestServices: true })("compression", (it) => {
  it.effect("a long list of websites is compressed for a client that accepts gzip, and has the same content", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const cookie = yield* newCookie("owner", "all")
      const list = (acceptEncoding: string) =>
        send(url, "/v1/owner/sites?limit=100", { cookie, init: { headers: { "accept-encoding": acceptEncoding } } })
      const short = yield* list("gzip")
      assert.deepStrictEqual(
        [short.status, short.headers.get("content-encoding"), short.headers.get("vary")],
        [200, null, "Accept-Encoding"]
      )
      yield* SiteDirectory.use((sites) =>
        Effect.forEach(Array.from({ length: 20 }), (_, index) => sites.create({ name: `Shop ${index}`, origins: [] }))
      )
      const [compressed, plain] = [yield* list("br, gzip"), yield* list("identity")]
      assert.deepStrictEqual(
        [compressed, plain].map(({ headers }) => [headers.get("content-encoding"), headers.get("vary")]),
        [
          ["gzip", "Accept-Encoding"],
          [null, "Accept-Encoding"]
        ]
      )
      assert.strictEqual(compressed.text, plain.text)
      assert.isBelow(Number(compressed.headers.get("content-length")), plain.text.length / 2)
    })
  )

  it.effect("answers with what visitors wrote are not compressed", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "A", origins: [] }))
      yield* SubmissionRepo.use((repo) =>
        Effect.forEach(Array.from({ length: 20 }), () => repo.submit(SubmissionDrafts.make(site.websiteConfigId)))
      )
      const { headers, text } = yield* send(url, `/v1/owner/sites/${site.websiteConfigId}/submissions`, {
        cookie: yield* newCookie("owner", [site.websiteConfigId])
      })
      assert.isAbove(text.length, 2000)
      assert.isNull(headers.get("content-encoding"))
    })
  )
})
