/** The pages of a plain form when the store is unavailable or a defect occurs. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import { urlencoded, withSite } from "../../support/PlainForms.ts"
import { layer as testServer } from "../../support/TestServer.ts"

const unavailable = Layer.effect(
  SubmissionRepo,
  Effect.map(SubmissionRepo, (repo) => ({
    ...repo,
    submit: () => Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
  }))
)

layer(
  testServer({}, undefined, (storage) => Layer.merge(storage, Layer.provide(unavailable, storage))),
  { excludeTestServices: true }
)("http: plain forms while the store is unavailable", (it) => {
  it.effect("the page claims neither that the form was stored nor that it was not", () =>
    Effect.gen(function* () {
      const { form } = yield* withSite()
      const { status, text } = yield* form("a=1", urlencoded)
      assert.strictEqual(status, 503)
      assert.include(text, "<h1>We do not know whether your message has arrived</h1>")
      assert.include(text, "<p>Wait 5 seconds, then go back, and send the form again. ")
      assert.notMatch(text, /Retry-After|not sent/)
    })
  )
})

const defective = Layer.effect(
  SubmissionRepo,
  Effect.map(SubmissionRepo, (repo) => ({ ...repo, submit: () => Effect.die(new Error("secret")) }))
)

layer(
  testServer({}, undefined, (storage) => Layer.provideMerge(defective, storage)),
  { excludeTestServices: true }
)("http: plain forms with a defect of the store", (it) => {
  for (const [way, query] of [
    ["on the fast path", ""],
    ["through the router", "x"]
  ] as const) {
    it.effect(`a visitor gets a page, and a program gets JSON, ${way}`, () =>
      Effect.gen(function* () {
        const { form, site } = yield* withSite()
        const sent = new URLSearchParams({ hydracore_site: site.websiteConfigId, name: "Ada" })
        const page = yield* form(sent, { query })
        assert.deepStrictEqual([page.status, page.headers.get("content-type")], [500, "text/html; charset=utf-8"])
        assert.include(page.text, "<h1>We do not know whether your message has arrived</h1>")
        const json = yield* form(sent, { query, headers: { accept: "*/*" } })
        assert.deepStrictEqual([json.status, json.text], [500, '{"detail":"Internal Server Error"}'])
        for (const { headers, text } of [page, json]) {
          assert.match(headers.get("x-error-id") ?? "", /^[0-9a-f-]{36}$/)
          assert.isNull(headers.get("x-hydracore-decision"))
          assert.strictEqual(headers.get("access-control-allow-origin"), "*")
          assert.notInclude(text, "secret")
        }
      })
    )
  }
})
