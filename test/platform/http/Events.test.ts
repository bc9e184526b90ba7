/**
 * Events over a real socket: what is stored, what is counted separately, and the errors.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { IpNetwork } from "effect/net"
import { AnalyticsRepo } from "../../../src/analytics/AnalyticsRepo.ts"
import * as RateLimit from "../../../src/platform/limits/RateLimit.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { assertCounts } from "../../support/DecisionCounts.ts"
import { type Answer, paths, TestServer, onPostgres as testServer } from "../../support/TestServer.ts"

const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" }

const trustedProxies = [IpNetwork.fromStringUnsafe("127.0.0.0/8")]

const newSite = SiteDirectory.use((sites) => sites.create({ name: "Shop", origins: ["https://shop.example"] }))

const rowsOf = (hostedWebsiteId: string) =>
  AnalyticsRepo.use(({ rows }) =>
    Stream.runCollect(rows({ hostedWebsiteId, from: 0, to: Number.MAX_SAFE_INTEGER / 4 }))
  )

const decisionOf = ({ headers, status }: Answer) => [status, headers.get("x-hydracore-decision")]

/** The locations and types of the errors of a 422. */
const errorsOf = ({ json }: Answer) =>
  (
    json as { readonly detail: ReadonlyArray<{ readonly loc: ReadonlyArray<string>; readonly type: string }> }
  ).detail.map(({ loc, type }) => `${type} ${loc.join(".")}`)

layer(testServer({ trustedProxies, geoHeader: Option.some("cf-ipcountry") }), {
  excludeTestServices: true
})("events", (it) => {
  it.effect("an event is stored with its visitor, its country, its properties and its revenue", () =>
    Effect.gen(function* () {
      const { send } = yield* TestServer
      const site = yield* newSite
      const headers = { ...browser, "cf-ipcountry": "no", origin: "https://shop.example" }
      const common = { site_id: site.trackingToken, page_path: "/tours?utm_source=x", session_id: "s" }
      assert.deepStrictEqual(decisionOf(yield* send(paths.view, common, { headers })), [204, "counted"])
      const event = {
        ...common,
        name: "Booking",
        properties: { tour: "First\0strokes", people: 2, gift: false },
        revenue: { currency: "eur", amount: 149.9999 },
        interactive: false
      }
      assert.deepStrictEqual(decisionOf(yield* send(paths.event, event, { headers })), [204, "counted"])
      const [first, second, ...others] = yield* rowsOf(site.hostedWebsiteId)
      assert.lengthOf(others, 0)
      assert.isTrue(first?.type === "pageview" && second?.type === "event")
      if (first?.type !== "pageview" || second?.type !== "event") return
      assert.strictEqual(first.view.country, "NO")
      assert.deepInclude(second.event, {
        name: "Booking",
        path: "/tours",
        sessionId: "s",
        visitorHash: first.view.visitorHash,
        country: "NO",
        properties: { tour: "First\uFFFDstrokes", people: 2, gift: false },
        revenue: { currency: "EUR", amount: 150 },
        isInteractive: false
      })
    })
  )

  it.effect(
    "a bot's event, an event from another origin and referrer spam are counted by reason, and the export has none of them",
    () =>
      Effect.gen(function* () {
        const { send } = yield* TestServer
        const site = yield* newSite
        const event = { site_id: site.trackingToken, name: "Signup", page_path: "/" }
        const bot = { "user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)" }
        const foreign = { ...browser, origin: "https://other.example" }
        assert.deepStrictEqual(decisionOf(yield* send(paths.event, event, { headers: bot })), [204, "bot"])
        assert.deepStrictEqual(decisionOf(yield* send(paths.event, event, { headers: foreign })), [
          403,
          "foreign-origin"
        ])
        const spam = { site_id: site.trackingToken, page_path: "/", referrer: "http://www.semalt.com/x" }
        assert.deepStrictEqual(decisionOf(yield* send(paths.track, spam, { headers: browser })), [204, "referrer-spam"])
        assert.deepStrictEqual(yield* rowsOf(site.hostedWebsiteId), [])
        yield* assertCounts(site, { bot: 1, "foreign-origin": 1, "referrer-spam": 1 })
      })
  )
})

layer(testServer(), { excludeTestServices: true })("events", (it) => {
  it.effect("an invalid event is refused with every error and its location", () =>
    Effect.gen(function* () {
      const { send, trackingToken } = yield* TestServer
      const valid = { site_id: trackingToken, name: "Signup", page_path: "/" }
      const many = Object.fromEntries(Array.from({ length: 31 }, (_, index) => [`p${index}`, 1]))
      const cases: ReadonlyArray<readonly [unknown, ReadonlyArray<string>]> = [
        [{}, ["missing body.site_id", "missing body.name", "missing body.page_path"]],
        [{ ...valid, name: "" }, ["string_too_short body.name"]],
        [{ ...valid, name: "x".repeat(121) }, ["string_too_long body.name"]],
        [{ ...valid, name: "pageview" }, ["value_error body.name"]],
        [{ ...valid, properties: [] }, ["dict_type body.properties"]],
        [{ ...valid, properties: many }, ["too_long body.properties"]],
        [
          { ...valid, properties: { a: null, b: {}, c: "x".repeat(2_001), ["d".repeat(301)]: 1 } },
          [
            "value_error body.properties.a",
            "value_error body.properties.b",
            "string_too_long body.properties.c",
            `string_too_long body.properties.${"d".repeat(200)}.[key]`
          ]
        ],
        [
          { ...valid, revenue: { currency: "EURO" } },
          ["value_error body.revenue.currency", "missing body.revenue.amount"]
        ],
        [{ ...valid, revenue: { currency: "EUR", amount: "1" } }, ["float_type body.revenue.amount"]],
        [{ ...valid, revenue: { currency: "EUR", amount: 1e12 } }, ["value_error body.revenue.amount"]],
        [{ ...valid, interactive: "yes" }, ["bool_type body.interactive"]]
      ]
      for (const [body, expected] of cases) {
        const answer = yield* send(paths.event, body, { headers: browser })
        assert.deepStrictEqual(decisionOf(answer), [422, "invalid"])
        assert.deepStrictEqual(errorsOf(answer), expected)
      }
      const infinite = `{"site_id":"${trackingToken}","name":"a","page_path":"/","properties":{"a":1e400}}`
      assert.deepStrictEqual(errorsOf(yield* send(paths.event, infinite, { headers: browser })), [
        "finite_number body.properties.a"
      ])
      const unknown = { ...valid, site_id: "72771e6a-6f5e-4de4-a5b9-1266c4197811" }
      assert.deepStrictEqual(decisionOf(yield* send(paths.event, unknown, { headers: browser })), [404, "unknown-site"])
    })
  )
})

const twoPerMinute = Option.getOrThrow(RateLimit.parse("analytics", "2/minute"))

layer(testServer({ rateLimitAnalytics: Option.some(twoPerMinute) }), { excludeTestServices: true })((it) => {
  describe("events", () => {
    it.effect("events share the rate limit of page views", () =>
      Effect.gen(function* () {
        const { send, trackingToken } = yield* TestServer
        const body = { site_id: trackingToken, name: "Signup", page_path: "/" }
        const statuses = []
        for (const path of [paths.track, paths.event, paths.view, paths.event]) {
          statuses.push((yield* send(path, body, { headers: browser })).status)
        }
        assert.deepStrictEqual(statuses, [204, 204, 429, 429])
      })
    )
  })
})
