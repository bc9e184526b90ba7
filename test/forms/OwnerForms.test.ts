/**
 * The rules of a website's forms over HTTP.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FormDirectory } from "../../src/forms/FormRules.ts"
import { newCookie, send } from "../support/OwnerRequests.ts"
import { locationsOf, opened } from "../support/OwnerSession.ts"
import type { Storage } from "../support/Storages.ts"
import { TestServer, onPostgres as testServer } from "../support/TestServer.ts"

const rules = { name: { required: true, max: 100 }, people: { number: true, min: 1, message: "How many?" } }

/** A storage in which the website is deleted before its form gets rules. */
const losingWebsites = (storage: Layer.Layer<Storage>) =>
  Layer.effect(
    FormDirectory,
    Effect.map(FormDirectory, (forms) => FormDirectory.of({ ...forms, put: () => Effect.succeedNone }))
  ).pipe(Layer.provideMerge(storage))

layer(testServer({}, undefined, losingWebsites), { excludeTestServices: true })("a form of a deleted website", (it) => {
  it.effect("gets no rules, and the answer says why", () =>
    Effect.gen(function* () {
      const { request } = yield* opened
      const answer = yield* request("PUT", "/forms", { page: "contact", rules })
      assert.strictEqual(answer.status, 404)
      assert.include(answer.text, "no website with this site_id")
    })
  )
})

layer(testServer(), { excludeTestServices: true })("forms", (it) => {
  it.effect("sets, lists and deletes form rules of this website only", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      const page = "contact & more/ü"
      const put = (body: unknown) => mine.request("PUT", "/forms", body)
      const form = JSON.parse((yield* put({ page, rules })).text)
      assert.deepInclude(form, { page, rules })
      const replaced = JSON.parse((yield* put({ page, rules: { name: {} } })).text)
      assert.deepInclude(replaced, { rules: { name: {} }, created_at: form.created_at })
      assert.deepStrictEqual(JSON.parse((yield* mine.request("GET", "/forms")).text), { forms: [replaced] })
      const query = `/forms?page=${encodeURIComponent(page)}`
      assert.strictEqual((yield* theirs.request("DELETE", query)).status, 404)
      assert.strictEqual((yield* mine.request("DELETE", query)).status, 204)
      assert.strictEqual((yield* mine.request("DELETE", query)).status, 404)
      assert.strictEqual((yield* mine.request("DELETE", "/forms")).status, 422)
    })
  )

  it.effect("of requests that only create or only replace rules, those fail that would do the other", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      const { url } = yield* TestServer
      const cookie = yield* newCookie("owner", [site.websiteConfigId])
      const put = (condition: string, page: string, max: number) =>
        send(url, `/v1/owner/sites/${site.websiteConfigId}/forms`, {
          cookie,
          body: { page, rules: { name: { max } } },
          init: { method: "PUT", headers: { [condition]: "*" } }
        })
      const list = Effect.map(request("GET", "/forms"), ({ text }) => JSON.parse(text).forms as ReadonlyArray<object>)
      assert.strictEqual((yield* put("if-match", "contact", 1)).status, 412)
      assert.deepStrictEqual(yield* list, [])
      const creations = yield* Effect.forEach([1, 2, 3, 4], (max) => put("if-none-match", "contact", max), {
        concurrency: "unbounded"
      })
      assert.sameMembers(
        creations.map(({ status }) => status),
        [200, 412, 412, 412]
      )
      const winner = creations.findIndex(({ status }) => status === 200) + 1
      assert.deepInclude((yield* list)[0], { rules: { name: { max: winner } } })
      assert.strictEqual((yield* put("if-match", "contact", 9)).status, 200)
      assert.deepInclude((yield* list)[0], { rules: { name: { max: 9 } } })
    })
  )

  it.effect("invalid rules are refused with the locations of their errors", () =>
    Effect.gen(function* () {
      const { request } = yield* opened
      const page = "contact"
      for (const [body, locations] of [
        [{ page: "", rules }, ["body.page"]],
        [{ page: "a\0", rules }, ["body.page"]],
        [{ page, rules: {} }, ["body.rules"]],
        [{ page, rules: [] }, ["body.rules"]],
        [{ page, rules: { name: { requird: true } } }, ["body.rules.name.requird"]],
        [{ page, rules: { name: { pattern: "(" } } }, ["body.rules.name.pattern"]],
        [{ page, rules: { a: { min: 2, max: 1 }, b: { email: 1 } } }, ["body.rules.a.max", "body.rules.b.email"]]
      ] as const) {
        const answer = yield* request("PUT", "/forms", body)
        assert.strictEqual(answer.status, 422, JSON.stringify(body))
        assert.sameMembers(locationsOf(answer.text), [...locations])
      }
    })
  )
})
