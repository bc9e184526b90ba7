/** Page views over a real socket, on either storage. */
import { assert, layer, type Vitest } from "@effect/vitest"
import { Clock, Effect, Stream } from "effect"
import { AnalyticsRepo } from "../../../src/analytics/AnalyticsRepo.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { countsBy } from "../../support/Counts.ts"
import { detailOf } from "../../support/ResponseParts.ts"
import type { Storage } from "../../support/Storages.ts"
import { paths, TestServer, onPostgres as testServer } from "../../support/TestServer.ts"

const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" }

/** A separate website, so that its page views can be counted. */
const withSite = Effect.gen(function* () {
  const server = yield* TestServer
  const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Counted", origins: [] }))
  return { ...server, trackingToken: site.trackingToken, hostedWebsiteId: site.hostedWebsiteId }
})

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  it.effect("a page view is stored and gets a 204 without a body; a bot's page view is not counted", () =>
    Effect.gen(function* () {
      const { hostedWebsiteId, send, trackingToken } = yield* withSite
      const referrer = "https://search.example/?q=secret"
      const body = { site_id: trackingToken, page_path: "/a?utm_source=x", screen_width: "1440", referrer }
      const answer = yield* send(paths.track, body, { headers: browser })
      assert.strictEqual(answer.status, 204)
      assert.strictEqual(answer.text, "")
      assert.strictEqual((yield* send(paths.track, body, { headers: { "user-agent": "curl/8" } })).status, 204)
      const today = { days: 1, now: yield* Clock.currentTimeMillis }
      const rows = yield* countsBy(hostedWebsiteId, ["event:page", "visit:referrer"], ["pageviews"], today)
      assert.deepStrictEqual(rows, [["/a", "search.example", 1]])
    })
  )

  it.effect(
    "a page of the website itself is not a referrer, even if it is cached as the referrer of another website",
    () =>
      Effect.gen(function* () {
        const { send } = yield* TestServer
        const sites = yield* SiteDirectory
        const to = (yield* Clock.currentTimeMillis) + 60_000
        /** The referrers of all stored page views. A report has only the referrer of a visit's first page view. */
        const referrersOf = (hostedWebsiteId: string) =>
          AnalyticsRepo.use(({ rows }) => Stream.runCollect(rows({ hostedWebsiteId, from: 0, to }))).pipe(
            Effect.map((rows) => rows.map((row) => (row.type === "pageview" ? row.view.referrerHost : "an event"))),
            Effect.map((hosts) => ({ pageViews: hosts.length, referrers: hosts.filter((host) => host !== null) }))
          )
        const shop = "https://shop.example"
        const view = (site_id: string, origin: string | undefined, url = paths.track) =>
          send(
            url,
            { site_id, page_path: "/", referrer: `${shop}/before` },
            { headers: origin === undefined ? browser : { ...browser, origin } }
          )
        const any = yield* sites.create({ name: "Any", origins: [] })
        const named = yield* sites.create({ name: "Named", origins: ["https://www.shop.example"] })
        // A request with a query does not take the fast path.
        for (const url of [paths.track, `${paths.track}?`]) {
          for (const origin of [shop, "https://www.shop.example", "HTTP://SHOP.EXAMPLE:80"]) {
            assert.strictEqual((yield* view(any.trackingToken, origin, url)).status, 204)
          }
          assert.strictEqual((yield* view(named.trackingToken, undefined, url)).status, 204)
        }
        assert.deepStrictEqual(yield* referrersOf(any.hostedWebsiteId), { pageViews: 6, referrers: [] })
        assert.deepStrictEqual(yield* referrersOf(named.hostedWebsiteId), { pageViews: 2, referrers: [] })
        for (const origin of ["https://other.example", "null", undefined]) yield* view(any.trackingToken, origin)
        yield* view(any.trackingToken, shop)
        assert.deepStrictEqual(yield* referrersOf(any.hostedWebsiteId), {
          pageViews: 10,
          referrers: ["shop.example", "shop.example", "shop.example"]
        })
      })
  )

  it.effect("JSON is read with a beacon's content type or with none, but not as text/html", () =>
    Effect.gen(function* () {
      const { send, trackingToken, url } = yield* TestServer
      const body = JSON.stringify({ site_id: trackingToken, page_path: "/" })
      for (const type of ["text/plain", "text/plain;charset=UTF-8"]) {
        assert.strictEqual((yield* send(paths.track, body, { headers: { "content-type": type } })).status, 204, type)
      }
      const untyped = yield* Effect.promise(() =>
        fetch(url + paths.track, { method: "POST", body: new TextEncoder().encode(body) })
      )
      assert.strictEqual(untyped.status, 204)
      const html = yield* send(paths.track, body, { headers: { "content-type": "text/html" } })
      assert.strictEqual(html.status, 422)
    })
  )

  it.effect("an id that is not a tracking token is unknown, even a website_config_id", () =>
    Effect.gen(function* () {
      const { send, websiteConfigId } = yield* TestServer
      for (const site_id of [websiteConfigId, "72771e6a-6f5e-4de4-a5b9-1266c4197811"]) {
        const answer = yield* send(paths.track, { site_id, page_path: "/" })
        assert.strictEqual(answer.status, 404)
        assert.isString(detailOf(answer.json))
      }
    })
  )

  it.effect("a token may have any form of a UUID", () =>
    Effect.gen(function* () {
      const { send, trackingToken } = yield* TestServer
      for (const site_id of [trackingToken.toUpperCase(), trackingToken.replaceAll("-", ""), `{${trackingToken}}`]) {
        assert.strictEqual((yield* send(paths.track, { site_id, page_path: "/" })).status, 204, site_id)
      }
    })
  )
}

layer(testServer(), { excludeTestServices: true })("http: page views", suite)
