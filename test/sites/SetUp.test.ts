/**
 * The owner API over HTTP: websites' settings, goals, widget tokens, activity, and requests that were not counted.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import type { Scope } from "../../src/sites/access/Access.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as DecisionCounts from "../support/DecisionCounts.ts"
import { newCookie, send } from "../support/OwnerRequests.ts"
import { locationsOf, opened } from "../support/OwnerSession.ts"
import { TestServer, onPostgres as testServer } from "../support/TestServer.ts"
import { laterTime, poll } from "../support/Wait.ts"

layer(testServer(), { excludeTestServices: true })("settings", (it) => {
  it.effect("an owner of all websites can create a website", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const cookie = yield* newCookie("owner", "all")
      const body = { name: " Shop ", origins: ["https://A.example/"] }
      const created = yield* send(url, "/v1/owner/sites", { cookie, body })
      assert.strictEqual(created.status, 200)
      const { created_at: _, site_id, tracking_token, ...rest } = JSON.parse(created.text)
      assert.deepStrictEqual(rest, { name: "Shop", origins: ["https://a.example"], time_zone: "UTC" })
      const stored = yield* SiteDirectory.use((sites) => sites.byTrackingToken(tracking_token))
      assert.strictEqual(
        stored.pipe((found) => (found._tag === "Some" ? found.value.websiteConfigId : "")),
        site_id
      )
    })
  )

  it.effect(
    "GET /sites lists websites as GET /sites/{id} reads them; the scope stats gets neither token nor origins",
    () =>
      Effect.gen(function* () {
        const { request, site } = yield* opened
        const { url } = yield* TestServer
        yield* request("PATCH", "", { origins: ["https://a.example"] })
        const details = JSON.parse((yield* request("GET", "")).text)
        const listedWith = Effect.fnUntraced(function* (scope: Scope) {
          const request = { scope, sites: [site.websiteConfigId], label: null, expiresAt: null }
          const { key } = yield* Effect.flatMap(
            OwnerKeys.use((keys) => keys.issue(request)),
            Effect.fromOption
          )
          return JSON.parse((yield* send(url, "/v1/owner/sites", { key })).text).sites
        })
        assert.deepStrictEqual(yield* listedWith("read"), [details])
        assert.deepStrictEqual(yield* listedWith("stats"), [{ ...details, tracking_token: null, origins: null }])
      })
  )

  it.effect("changes the given settings, and refuses invalid ones", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      const before = JSON.parse((yield* request("GET", "")).text)
      assert.deepInclude(before, { site_id: site.websiteConfigId, name: "A", origins: [], time_zone: "UTC" })
      const origins = ["https://a.example", "http://localhost:3000"]
      const changed = yield* request("PATCH", "", { origins: [...origins, "https://A.example"] })
      assert.deepStrictEqual(JSON.parse(changed.text), { ...before, origins })
      const renamed = yield* request("PATCH", "", { name: "Ü", time_zone: "Europe/Berlin" })
      assert.deepStrictEqual(JSON.parse(renamed.text), { ...before, origins, name: "Ü", time_zone: "Europe/Berlin" })
      assert.deepStrictEqual(JSON.parse((yield* request("PATCH", "", {})).text), JSON.parse(renamed.text))
      const found = yield* SiteDirectory.use((sites) => sites.byWebsiteConfigId(site.websiteConfigId))
      assert.deepInclude(Option.getOrThrow(found), { name: "Ü", timeZone: "Europe/Berlin", origins })
      // As another process of the service, which still has the website in its cache.
      yield* SiteDirectory.use((sites) => sites.update(site.websiteConfigId, { name: "Y" }))
      assert.strictEqual(JSON.parse((yield* request("GET", "")).text).name, "Y")
      for (const [body, place] of [
        [{ name: " " }, "body.name"],
        [{ name: "x".repeat(201) }, "body.name"],
        [{ name: "a\0" }, "body.name"],
        [{ name: null }, "body.name"],
        [{ origins: "https://a.example" }, "body.origins"],
        [{ origins: ["https://a.example", "https://a.example/path"] }, "body.origins.1"],
        [{ origins: ["javascript:alert(1)"] }, "body.origins.0"],
        [{ origins: Array.from({ length: 101 }, (_, index) => `https://a${index}.example`) }, "body.origins"],
        [{ time_zone: "Mars/Base" }, "body.time_zone"],
        [{ time_zone: "+01:00" }, "body.time_zone"]
      ] as const) {
        const answer = yield* request("PATCH", "", body)
        assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, [place]], JSON.stringify(body))
      }
    })
  )

  it.effect(
    "for a range of days, lists the reasons why requests were not counted, the most frequent first, with their numbers",
    () =>
      Effect.gen(function* () {
        const { request, site } = yield* opened
        yield* DecisionCounts.record(site, { bot: 1, "foreign-origin": 3 })
        const reasons = [
          { reason: "foreign-origin", count: 3 },
          { reason: "bot", count: 1 }
        ]
        const { from, reasons: found, to } = JSON.parse((yield* request("GET", "/decisions")).text)
        assert.deepStrictEqual(found, reasons)
        assert.strictEqual(Date.parse(to) - Date.parse(from), 6 * 86_400_000)
        const past = yield* request("GET", "/decisions?from=2020-01-01&to=2020-01-31")
        assert.deepStrictEqual(JSON.parse(past.text), { from: "2020-01-01", to: "2020-01-31", reasons: [] })
        const earliest = yield* request("GET", "/decisions?to=0001-01-03")
        assert.deepStrictEqual(JSON.parse(earliest.text), { from: "0001-01-01", to: "0001-01-03", reasons: [] })
        for (const date of ["today", "0000-01-01"]) {
          assert.deepStrictEqual(
            locationsOf((yield* request("GET", `/decisions?from=${date}`)).text),
            ["query.from"],
            date
          )
        }
      })
  )

  it.effect("lists the latest activities, latest first", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      const { url } = yield* TestServer
      assert.deepStrictEqual(JSON.parse((yield* request("GET", "/activity")).text), { activity: [] })
      const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
      const tracked = yield* send(url, "/v1/public/analytics/track", {
        body: { site_id: site.trackingToken, page_path: "/pricing?utm_source=letter" },
        init: { headers: { "user-agent": userAgent } }
      })
      assert.strictEqual(tracked.status, 204)
      yield* laterTime
      const submitted = yield* send(url, "/v1/public/forms/submit", {
        body: { site_id: site.websiteConfigId, form_data: { a: "b" }, page_slug: "contact" }
      })
      const { activity } = JSON.parse((yield* request("GET", "/activity")).text)
      const withoutTime = activity.map(({ received_at: _, ...rest }: Record<string, unknown>) => rest)
      const { submission_id } = JSON.parse(submitted.text)
      assert.deepStrictEqual(withoutTime, [
        { type: "submission", submission_id, status: "accepted", page_slug: "contact" },
        {
          type: "pageview",
          path: "/pricing",
          country: null,
          device: "desktop",
          browser: "Firefox",
          source: "letter"
        }
      ])
      assert.lengthOf(JSON.parse((yield* request("GET", "/activity?limit=1")).text).activity, 1)
      assert.deepStrictEqual(locationsOf((yield* request("GET", "/activity?limit=0")).text), ["query.limit"])
    })
  )

  it.effect("creates, lists and deletes goals of the website only", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      const goal = JSON.parse((yield* mine.request("POST", "/goals", { kind: "page", value: "/thanks*" })).text)
      assert.deepInclude(goal, { name: "Visit /thanks*", kind: "page", value: "/thanks*" })
      const foreign = JSON.parse((yield* theirs.request("POST", "/goals", { kind: "event", value: "signup" })).text)
      assert.deepStrictEqual(JSON.parse((yield* mine.request("GET", "/goals")).text), {
        goals: [goal],
        built_in: ["Form submitted", "Chat started"]
      })
      for (const [body, place] of [
        [{ kind: "page", value: "/thanks*" }, "body.name"],
        [{ kind: "event", value: "x", name: "Form submitted" }, "body.name"],
        [{ kind: "event", value: "pageview" }, "body.value"],
        [{ kind: "page", value: "thanks" }, "body.value"],
        [{ kind: "visit", value: "/" }, "body.kind"]
      ] as const) {
        const answer = yield* mine.request("POST", "/goals", body)
        assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, [place]], JSON.stringify(body))
      }
      assert.strictEqual((yield* mine.request("DELETE", `/goals/${foreign.goal_id}`)).status, 404)
      assert.strictEqual((yield* mine.request("DELETE", `/goals/${goal.goal_id}`)).status, 204)
      assert.strictEqual((yield* mine.request("DELETE", `/goals/${goal.goal_id}`)).status, 404)
      assert.lengthOf(JSON.parse((yield* theirs.request("GET", "/goals")).text).goals, 1)
    })
  )

  it.effect("issues, lists and revokes widget tokens of the website's instances only", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      const instanceOf = ({ site }: typeof mine) =>
        InstanceDirectory.use((instances) =>
          instances.create({ name: "A", agent_url: "http://agent", website_config_id: site.websiteConfigId })
        ).pipe(Effect.map(({ instance_id: instanceId }) => instanceId))
      const [ownInstance, foreign] = [yield* instanceOf(mine), yield* instanceOf(theirs)]
      const path = `/instances/${ownInstance}/tokens`
      const issued = JSON.parse((yield* mine.request("POST", path, { label: "Shop", expires_at: "2100-01-01" })).text)
      assert.strictEqual(issued.expires_at, "2100-01-01T00:00:00.000Z")
      const isValid = WidgetTokens.use((tokens) => tokens.authenticate(ownInstance, issued.token)).pipe(
        Effect.map(({ _tag }) => _tag === "Some")
      )
      assert.isTrue(yield* isValid)
      const listed = JSON.parse((yield* mine.request("GET", path)).text).tokens
      const { token, token_id } = issued
      assert.deepInclude(listed[0], { token_id, token, label: "Shop", revoked_at: null })
      for (const body of [{ expires_at: "2020-01-01" }, { expires_at: "soon" }, { label: "" }]) {
        assert.strictEqual((yield* mine.request("POST", path, body)).status, 422, JSON.stringify(body))
      }
      for (const instance of [foreign, randomUUID()]) {
        assert.strictEqual((yield* mine.request("GET", `/instances/${instance}/tokens`)).status, 404)
        assert.strictEqual((yield* mine.request("POST", `/instances/${instance}/tokens`, {})).status, 404)
      }
      const other = JSON.parse((yield* theirs.request("POST", `/instances/${foreign}/tokens`, {})).text)
      assert.strictEqual((yield* mine.request("DELETE", `${path}/${other.token_id}`)).status, 404)
      assert.strictEqual((yield* mine.request("DELETE", `${path}/${issued.token_id}`)).status, 204)
      yield* poll(isValid, (valid) => !valid)
    })
  )
})
