/**
 * The owner API: the problems of a website, from the requests that caused them.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { Problem } from "../../src/health/Problem.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { send } from "../support/OwnerRequests.ts"
import { opened } from "../support/OwnerSession.ts"
import { onPostgres, paths, TestServer } from "../support/TestServer.ts"
import { poll } from "../support/Wait.ts"

const problemsIn = (text: string): ReadonlyArray<Problem> => JSON.parse(text).problems

layer(onPostgres({}), { excludeTestServices: true })("health", (it) => {
  it.effect("names a refused origin and a refusing field, and an origin that is then allowed is no problem", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { request, site } = yield* opened
      yield* request("PATCH", "", { origins: ["https://shop.example"] })
      const form = { page: "contact", rules: { phone: { required: true } } }
      assert.strictEqual((yield* request("PUT", "/forms", form)).status, 200)
      const problems = Effect.map(request("GET", "/health"), ({ text }) => problemsIn(text))
      assert.deepStrictEqual(yield* problems, [])
      const headers = { origin: "https://new.example" }
      for (let time = 0; time < 3; time++) {
        const view = { site_id: site.trackingToken, page_path: "/" }
        assert.strictEqual((yield* server.send(paths.track, view, { headers })).status, 403)
      }
      for (let time = 0; time < 10; time++) {
        const submission = {
          site_id: site.websiteConfigId,
          page_slug: "contact",
          form_data: { name: `secret-${time}` }
        }
        assert.strictEqual((yield* server.send(paths.submit, submission)).status, 422)
      }
      const found = yield* poll(problems, (found) => found.length === 2)
      assert.deepStrictEqual(
        found.map(({ count, field, kind, subject }) => ({ count, field, kind, subject })),
        [
          { kind: "origin_refused", subject: "https://new.example", field: null, count: 3 },
          { kind: "form_rules_refuse", subject: "contact", field: "phone", count: 10 }
        ]
      )
      assert.notInclude(JSON.stringify(found), "secret")

      const issued = yield* OwnerKeys.use((keys) =>
        keys.issue({ scope: "stats", sites: [site.websiteConfigId], label: null, expiresAt: null })
      )
      const { key } = Option.getOrThrow(issued)
      const seen = yield* send(server.url, `/v1/owner/sites/${site.websiteConfigId}/health`, { key })
      assert.deepStrictEqual(
        problemsIn(seen.text).map(({ field, kind, subject }) => [kind, subject, field]),
        [
          ["origin_refused", null, null],
          ["form_rules_refuse", null, null]
        ]
      )

      yield* request("PATCH", "", { origins: ["https://shop.example", "https://new.example"] })
      assert.deepStrictEqual(
        (yield* problems).map(({ kind }) => kind),
        ["form_rules_refuse"]
      )
    })
  )
})
