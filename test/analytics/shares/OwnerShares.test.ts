/**
 * Shared dashboards over HTTP: what anyone with the URL sees.
 */
import { assert, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { AnalyticsRepo } from "../../../src/analytics/AnalyticsRepo.ts"
import * as RateLimit from "../../../src/platform/limits/RateLimit.ts"
import { Shares } from "../../../src/sites/access/Share.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import { paths, TestServer, onPostgres as testServer } from "../../support/TestServer.ts"
import * as TestStorage from "../../support/TestStorage.ts"
import { laterTime, poll } from "../../support/Wait.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "Shop", origins: [] })).pipe(Effect.orDie)

type Site = Effect.Success<typeof newSite>

/** Stores a page view of the hour before. The visitor's number is the order of their first page views. */
const earlier = Effect.fnUntraced(function* (
  site: Site,
  page: string,
  visitor: number,
  campaign: string | null = null
) {
  const { append } = yield* AnalyticsRepo
  const receivedAt = (yield* Clock.currentTimeMillis) - 3_600_000
  const view = TestStorage.view(0, visitor, site.hostedWebsiteId)
  yield* append({
    ...view,
    ...{ receivedAt, path: page, browser: "Firefox", campaign: { ...view.campaign, name: campaign } }
  }).pipe(Effect.orDie)
})

/** Sends one page view from each of several visitors. */
const visit = Effect.fnUntraced(function* (site: Site, page: string, visitors: number) {
  const server = yield* TestServer
  for (let visitor = 0; visitor < visitors; visitor++) {
    const headers = {
      "user-agent": `Mozilla/5.0 (X11; Linux x86_64; rv:1${visitor}.0) Gecko/20100101 Firefox/1${visitor}.0 ${page}`
    }
    const view = { site_id: site.trackingToken, page_path: page }
    assert.strictEqual((yield* server.send(paths.track, view, { headers })).status, 204)
  }
})

/** Shares a dashboard, as an owner in the console does. */
const share = Effect.fnUntraced(function* (site: Site, body: object = {}) {
  const { url } = yield* TestServer
  const cookie = yield* newCookie("owner", [site.websiteConfigId])
  const path = `/v1/owner/sites/${site.websiteConfigId}/shares`
  const created = JSON.parse((yield* send(url, path, { cookie, body })).text)
  const secret = String(created.path).split("/console/#/share/")[1] ?? ""
  const ask = (name: string, query?: object) =>
    send(url, `/v1/owner/shared${name}`, { key: secret, ...(query === undefined ? {} : { body: query }) })
  return { url, cookie, path, secret, ask, id: String(created.share_id) }
})

layer(testServer(), { excludeTestServices: true })("shared dashboards", (it) => {
  it.effect("anyone with the URL sees counts rounded to multiples of 5, and no count under 5", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      yield* visit(site, "/", 12)
      for (let visitor = 0; visitor < 12; visitor++) yield* earlier(site, visitor < 9 ? "/" : "/secret", visitor)
      const { ask } = yield* share(site, { label: "Agency" })
      const { name, site_id } = JSON.parse((yield* ask("")).text)
      assert.deepStrictEqual([name, site_id], ["Shop", site.websiteConfigId])
      const query = (parts: object) =>
        Effect.map(
          ask("/query", { site_id, metrics: ["visitors", "bounce_rate"], date_range: "7d", ...parts }),
          ({ status, text }) => (status === 200 ? JSON.parse(text).results : status)
        )
      assert.deepStrictEqual(yield* query({}), [{ dimensions: [], metrics: [10, 100] }])
      assert.deepStrictEqual(yield* query({ dimensions: ["event:page"] }), [{ dimensions: ["/"], metrics: [10, 100] }])
      const few = ["is", "event:page", ["/secret"]]
      assert.deepStrictEqual(yield* query({ filters: [few] }), [{ dimensions: [], metrics: ["<5", null] }])
      // The same as for a page that nobody visited.
      assert.deepStrictEqual(yield* query({ filters: [["is", "event:page", ["/nowhere"]]] }), [
        { dimensions: [], metrics: ["<5", null] }
      ])
      // A list would describe each of these few visitors.
      assert.deepStrictEqual(yield* query({ filters: [few], dimensions: ["visit:browser"] }), [])
      assert.deepStrictEqual(yield* query({ filters: [["is", "event:page", ["/"]]], dimensions: ["visit:browser"] }), [
        { dimensions: ["Firefox"], metrics: [10, 100] }
      ])
      assert.deepStrictEqual(JSON.parse((yield* ask("/now")).text), { visitors: 10 })
    })
  )

  it.effect("a dashboard with exact numbers shows those of the owner, for any days and filters, but no revenue", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      yield* visit(site, "/", 3)
      const { ask } = yield* share(site, { numbers: "exact" })
      const { numbers, site_id } = JSON.parse((yield* ask("")).text)
      assert.strictEqual(numbers, "exact")
      const today = new Date(yield* Clock.currentTimeMillis).toISOString().slice(0, 10)
      const query = (parts: object) =>
        ask("/query", { site_id, metrics: ["visitors"], date_range: [today, today], ...parts })
      const { results } = JSON.parse((yield* query({ filters: [["is_not", "event:page", ["/secret"]]] })).text)
      assert.deepStrictEqual(results, [{ dimensions: [], metrics: [3] }])
      assert.deepStrictEqual(JSON.parse((yield* ask("/now")).text), { visitors: 3 })
      assert.strictEqual((yield* query({ metrics: ["total_revenue"] })).status, 422)
      assert.strictEqual((yield* query({ dimensions: ["event:props:email"] })).status, 422)
    })
  )

  it.effect("a password is asked once, and guesses are limited for each dashboard and address", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const { id, path, secret, url, cookie: owner } = yield* share(site, { password: "kayaks at dawn" })
      assert.include((yield* send(url, path, { cookie: owner })).text, '"has_password":true')
      assert.strictEqual((yield* send(url, path, { cookie: owner, body: { password: "short" } })).status, 422)
      const read = (cookie: string | null, name = "") =>
        send(url, `/v1/owner/shared${name}`, {
          key: secret,
          ...(cookie === null ? {} : { init: { headers: { cookie } } })
        }).pipe(Effect.map(({ status }) => status))
      const give = (password: string, given = secret) =>
        send(url, "/v1/owner/shared/password", { body: { secret: given, password } })
      assert.deepStrictEqual([yield* read(null), yield* read(null, "/now")], [403, 403])
      assert.strictEqual((yield* give("kayaks at dusk")).status, 403)
      assert.strictEqual((yield* give("kayaks at dawn", `hsh_${"A".repeat(43)}`)).status, 401)
      const right = yield* give("kayaks at dawn")
      assert.strictEqual(right.status, 204)
      const set = right.headers.get("set-cookie") ?? ""
      const [cookie = ""] = set.split(";")
      assert.match(set, /; Max-Age=2592000;.*HttpOnly; .*SameSite=Strict/)
      assert.deepStrictEqual([yield* read(cookie), yield* read(cookie, "/now")], [200, 200])

      const open = yield* share(site, { password: "kayaks at dawn" })
      const [name = "", proof = ""] = cookie.split("=")
      const other = `${name.replace(id.replaceAll("-", ""), open.id.replaceAll("-", ""))}=${proof}`
      assert.strictEqual(
        (yield* send(url, "/v1/owner/shared", { key: open.secret, init: { headers: { cookie: other } } })).status,
        403
      )
      const statuses = yield* Effect.replicateEffect(
        Effect.map(give("guess"), ({ status }) => status),
        9
      )
      assert.deepStrictEqual(statuses, [...Array.from({ length: 8 }, () => 403), 429])
      // The right password is a guess too, but who gave it before is not asked again, and other dashboards are not affected.
      assert.strictEqual((yield* give("kayaks at dawn")).status, 429)
      assert.strictEqual(yield* read(cookie), 200)
      assert.strictEqual((yield* give("kayaks at dawn", open.secret)).status, 204)

      yield* send(url, `${path}/${id}`, { cookie: owner, init: { method: "DELETE" } })
      yield* poll(read(cookie), (status) => status === 401)
    })
  )

  it.effect("forged page views do not reveal what a filter's only real visitor did", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      for (const page of ["/offer", "/account/ann"]) {
        yield* earlier(site, page, 1, "mail-to-ann")
        yield* laterTime
      }
      const { ask } = yield* share(site)
      for (const visitor of [2, 3, 4, 5]) yield* earlier(site, "/offer", visitor, "mail-to-ann")
      const list = (dimension: string, ...metrics: ReadonlyArray<string>) =>
        ask("/query", {
          site_id: site.websiteConfigId,
          metrics,
          date_range: "7d",
          dimensions: [dimension],
          filters: [["is", "visit:utm_campaign", ["mail-to-ann"]]]
        }).pipe(Effect.map(({ text }) => JSON.parse(text).results))
      assert.deepStrictEqual(yield* list("event:page", "visitors"), [{ dimensions: ["/offer"], metrics: [5] }])
      assert.deepStrictEqual(yield* list("event:page", "visits"), [{ dimensions: ["/offer"], metrics: [5] }])
      assert.deepStrictEqual(yield* list("visit:exit_page", "visits"), [])
    })
  )

  it.effect("chosen days, an excluding filter, revenue, a query without metrics, and another website are refused", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* newSite, yield* newSite]
      const { ask } = yield* share(site)
      const valid = { site_id: site.websiteConfigId, metrics: ["visitors"], date_range: "7d" }
      assert.strictEqual((yield* ask("/query", valid)).status, 200)
      for (const parts of [
        { date_range: ["2026-10-01", "2026-10-02"] },
        { filters: [["is_not", "visit:source", ["Google"]]] },
        { metrics: ["total_revenue"] },
        { metrics: [] }
      ]) {
        assert.strictEqual((yield* ask("/query", { ...valid, ...parts })).status, 422, JSON.stringify(parts))
      }
      assert.strictEqual((yield* ask("/query", { ...valid, site_id: other.websiteConfigId })).status, 404)
    })
  )

  it.effect("an owner lists and revokes the shares of a website, and a revoked share stops working", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* newSite, yield* newSite]
      const { ask, cookie, id, path, secret, url } = yield* share(site, { label: "Agency" })
      const foreign = yield* share(other)
      const listed = yield* send(url, path, { cookie })
      assert.notInclude(listed.text, secret)
      assert.deepStrictEqual(
        JSON.parse(listed.text).shares.map(({ created_at: _, ...rest }: Record<string, unknown>) => rest),
        [{ share_id: id, label: "Agency", numbers: "protected", has_password: false, expires_at: null }]
      )
      const revoke = (shareId: string) => send(url, `${path}/${shareId}`, { cookie, init: { method: "DELETE" } })
      assert.strictEqual((yield* revoke(foreign.id)).status, 404)
      assert.strictEqual((yield* foreign.ask("")).status, 200)
      assert.strictEqual((yield* revoke(id)).status, 204)
      assert.strictEqual((yield* revoke(id)).status, 404)
      yield* poll(ask(""), ({ status }) => status === 401)
      for (const body of [{ expires_at: "2020-01-01" }, { expires_at: "soon" }, { label: "" }]) {
        assert.strictEqual((yield* send(url, path, { cookie, body })).status, 422, JSON.stringify(body))
      }
    })
  )
})

layer(testServer({ rateLimitOwner: RateLimit.parse("owner", "4/minute") }), {
  excludeTestServices: true
})("shared dashboards within limits", (it) => {
  it.effect("an address has one limit for shared dashboards and another for wrong secrets", () =>
    Effect.gen(function* () {
      const { ask, cookie, url } = yield* share(yield* newSite)
      for (let request = 0; request < 4; request++) assert.strictEqual((yield* ask("")).status, 200)
      const limited = yield* ask("")
      assert.strictEqual(limited.status, 429)
      assert.isAbove(Number(limited.headers.get("retry-after")), 0)
      // The owner's session has its own limit.
      assert.strictEqual((yield* send(url, "/v1/owner/sites", { cookie })).status, 200)
      const wrong = { key: `hsh_${"A".repeat(43)}` }
      for (let request = 0; request < 4; request++) {
        assert.strictEqual((yield* send(url, "/v1/owner/shared", wrong)).status, 401)
      }
      assert.strictEqual((yield* send(url, "/v1/owner/shared", wrong)).status, 429)
      // A valid secret is not refused because of the wrong ones.
      const other = yield* share(yield* newSite)
      assert.strictEqual((yield* send(url, "/v1/owner/sites", { cookie: other.cookie })).status, 200)
    })
  )
})

layer(testServer({ console: false }), { excludeTestServices: true })("shared dashboards without a console", (it) => {
  it.effect("no dashboard is shown, and no password is taken", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { websiteConfigId } = yield* newSite
      const password = "kayaks at dawn"
      const shared = yield* Shares.use((shares) =>
        shares.create(websiteConfigId, { label: null, expiresAt: null, password })
      )
      const { secret } = yield* Effect.fromOption(shared)
      assert.strictEqual((yield* send(url, "/v1/owner/shared", { key: secret })).status, 404)
      for (const given of [password, "a wrong one"]) {
        const { headers, status, text } = yield* send(url, "/v1/owner/shared/password", {
          body: { secret, password: given }
        })
        assert.strictEqual(status, 404, text)
        assert.include(text, "CONSOLE=on")
        assert.isNull(headers.get("set-cookie"))
      }
    })
  )
})
