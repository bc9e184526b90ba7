/** The decision in each response, and the counts of rejections. */

import { assert, layer, type Vitest } from "@effect/vitest"
import { Effect, Option } from "effect"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { assertCounts } from "../../support/DecisionCounts.ts"
import { browser, decisionOf, ownOrigin, urlencoded, withSite } from "../../support/PlainForms.ts"
import type { Storage } from "../../support/Storages.ts"
import { paths, TestServer, onPostgres as testServer } from "../../support/TestServer.ts"

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  it.effect("every response has a decision, and rejections are counted for their website", () =>
    Effect.gen(function* () {
      const { send } = yield* TestServer
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Decided", origins: [ownOrigin] }))
      const view = (body: object, headers: Record<string, string> = {}) =>
        send(
          paths.track,
          { site_id: site.trackingToken, page_path: "/", ...body },
          { headers: { ...browser, ...headers } }
        )
      const submission = (body: object, headers: Record<string, string> = {}) =>
        send(paths.submit, { site_id: site.websiteConfigId, form_data: {}, ...body }, { headers })
      const plain = (body: FormData, headers: Record<string, string>) =>
        send(`${paths.submit}?site=${site.websiteConfigId}`, undefined, { body, headers })
      const requests: ReadonlyArray<readonly [string, Effect.Effect<{ readonly headers: Headers }>]> = [
        ["counted", view({})],
        ["bot", view({}, { "user-agent": "curl/8" })],
        ["bot", view({}, { "user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)" })],
        ["foreign-origin", view({}, { origin: "https://evil.example" })],
        ["invalid", view({ screen_width: "wide" })],
        ["invalid", view({ site_id: "nonsense" })],
        ["unknown-site", view({ site_id: site.websiteConfigId })],
        ["invalid", send(paths.track, "no json", { headers: browser })],
        ["counted", submission({})],
        ["foreign-origin", submission({}, { origin: "null" })],
        ["invalid", submission({ form_data: 1 })],
        ["invalid", submission({}, { "idempotency-key": "\t" })],
        ["unknown-site", submission({ site_id: site.trackingToken })],
        ["invalid", plain(new FormData(), { "content-type": "multipart/form-data" })],
        ["quarantined", submission({ form_data: { hydracore_hp: true } })]
      ]
      for (const [decision, request] of requests) {
        const response = yield* request
        assert.strictEqual(decisionOf(response), decision)
        assert.include(
          (response.headers.get("access-control-expose-headers") ?? "").toLowerCase(),
          "x-hydracore-decision"
        )
      }
      yield* assertCounts(site, { bot: 2, "foreign-origin": 2, invalid: 4, quarantined: 1 })
    })
  )
}

layer(testServer(), { excludeTestServices: true })("http: decisions", suite)

layer(
  testServer({
    rateLimitAnalytics: Option.some({ name: "analytics", limit: 1, windowMillis: 60_000 }),
    rateLimitForms: Option.some({ name: "forms", limit: 1, windowMillis: 60_000 })
  }),
  { excludeTestServices: true }
)("http: decisions under a limit", (it) => {
  it.effect("requests over the limit are counted for the website that they name", () =>
    Effect.gen(function* () {
      const { send } = yield* TestServer
      const { form, site, submit } = yield* withSite()
      const track = send(paths.track, { site_id: site.trackingToken, page_path: "/" }, { headers: browser })
      assert.strictEqual(decisionOf(yield* track), "counted")
      assert.strictEqual(decisionOf(yield* submit({})), "counted")
      for (const answer of [yield* track, yield* submit({}), yield* form("a=1", urlencoded)]) {
        assert.deepStrictEqual([answer.status, decisionOf(answer)], [429, "limited"])
        assert.isAbove(Number(answer.headers.get("retry-after")), 0)
      }
      yield* assertCounts(site, { limited: 3 })
      const { headers, text } = yield* form("a=1", urlencoded)
      assert.include(text, `Wait ${headers.get("retry-after")} seconds, then go back`)
    })
  )
})
