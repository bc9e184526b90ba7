/**
 * The owner API: how long data is kept, the export of page views, and the export and deletion of a person's data.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Stream } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { Persons } from "../../src/privacy/Person.ts"
import * as SiteSlots from "../../src/sites/access/SiteSlots.ts"
import * as Retention from "../../src/sites/Retention.ts"
import { locationsOf, opened } from "../support/OwnerSession.ts"
import * as SubmissionDrafts from "../support/SubmissionDraft.ts"
import { paths, TestServer, onPostgres as testServer } from "../support/TestServer.ts"
import { view } from "../support/TestStorage.ts"
import { until } from "../support/Wait.ts"

const retention = {
  retentionPageViews: Retention.parse("25 months"),
  retentionSubmissions: Option.none(),
  retentionConversations: Retention.parse("1 day")
}

const server = testServer(retention)
layer(server, { excludeTestServices: true })("data", (it) => {
  it.effect("reports how long data is kept", () =>
    Effect.gen(function* () {
      const { request } = yield* opened
      assert.deepStrictEqual(JSON.parse((yield* request("GET", "/retention")).text), {
        page_views: "25 months",
        submissions: null,
        conversations: "1 day"
      })
    })
  )

  it.effect(
    "exports a website's page views and no other website's; the dates are days in the website's time zone",
    () =>
      Effect.gen(function* () {
        const [mine, theirs] = [yield* opened, yield* opened]
        const { append } = yield* AnalyticsRepo
        for (const day of [0, 1, 2]) yield* append(view(day, 1, mine.site.hostedWebsiteId))
        yield* append(view(1, 2, theirs.site.hostedWebsiteId))
        yield* mine.request("PATCH", "", { time_zone: "Asia/Tokyo" })
        const lines = (text: string) => text.split("\n").filter((line) => line.trim() !== "")
        const all = yield* mine.request("GET", "/analytics/export")
        assert.strictEqual(all.headers.get("content-type"), "text/csv")
        assert.strictEqual(all.headers.get("content-disposition"), 'attachment; filename="A-analytics.csv"')
        assert.strictEqual(lines(all.text).length, 4)
        // Midnight UTC is 9:00 of the same date in Tokyo.
        const some = yield* mine.request("GET", "/analytics/export?format=ndjson&from=2026-03-02&to=2026-03-02")
        assert.deepStrictEqual(
          lines(some.text).map((line) => JSON.parse(line).received_at),
          ["2026-03-02T00:00:00.000Z"]
        )
        yield* mine.request("PATCH", "", { name: "Ærø & Søn: <shop>", time_zone: "America/Los_Angeles" })
        const untilMaximum = yield* mine.request("GET", "/analytics/export?to=9999-12-31")
        assert.strictEqual(lines(untilMaximum.text).length, 4)
        assert.strictEqual(
          untilMaximum.headers.get("content-disposition"),
          "attachment; filename=\"analytics.csv\"; filename*=UTF-8''%C3%86r%C3%B8-S%C3%B8n-shop-analytics.csv"
        )
        const wrong = yield* mine.request("GET", "/analytics/export?from=yesterday")
        assert.deepStrictEqual([wrong.status, locationsOf(wrong.text)], [422, ["query.from"]])
      })
  )

  it.effect("removes email addresses from page views and events before it stores them", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { request, site } = yield* opened
      const mail = "zoe.person@victim.example"
      const headers = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" }
      const page = `/u/${mail}?utm_campaign=${encodeURIComponent(mail)}`
      const view = { site_id: site.trackingToken, page_path: page, referrer: `https://x.example/${mail}` }
      assert.strictEqual((yield* server.send(paths.track, view, { headers })).status, 204)
      const event = { site_id: site.trackingToken, page_path: page, name: "Signup", properties: { mail } }
      assert.strictEqual((yield* server.send(paths.event, event, { headers })).status, 204)
      const { text } = yield* request("GET", "/analytics/export?format=ndjson")
      assert.lengthOf(
        text.split("\n").filter((line) => line.includes('"/u/(email)"')),
        2
      )
      assert.notInclude(text, "zoe")
    })
  )

  it.effect("exports and deletes what a website stores of a person, and nothing that another website stores", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      const { submit } = yield* SubmissionRepo
      const email = "Ann@example.com"
      for (const { site } of [mine, theirs]) yield* submit(SubmissionDrafts.make(site.websiteConfigId, { email }))
      yield* submit(SubmissionDrafts.make(mine.site.websiteConfigId, { email: "joann@example.com" }))
      const recordsOf = (owner: typeof mine) =>
        Effect.map(owner.request("POST", "/person/export", { email: " ann@example.com" }), ({ text }) =>
          text
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => JSON.parse(line))
        )
      const records = yield* recordsOf(mine)
      assert.deepStrictEqual(
        records.map(({ email, kind, website_config_id: site }) => ({ email, kind, site })),
        [{ email, kind: "submission", site: mine.site.websiteConfigId }]
      )
      const erased = yield* mine.request("POST", "/person/erase", { email })
      assert.strictEqual(JSON.parse(erased.text).submissions, 1)
      assert.deepStrictEqual(yield* recordsOf(mine), [])
      assert.strictEqual((yield* recordsOf(theirs)).length, 1)
      for (const body of [{}, { email: "ann" }, { email: 3 }]) {
        const answer = yield* mine.request("POST", "/person/erase", body)
        assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, ["body.email"]])
      }
    })
  )
})

/** The email addresses of the deletions that have begun. No deletion ends. */
const begun = new Set<string>()
const unending = testServer({}, undefined, (storage) =>
  Layer.merge(
    storage,
    Layer.succeed(Persons, {
      records: () => Stream.empty,
      erase: ({ address }) =>
        Effect.andThen(
          Effect.sync(() => begun.add(address)),
          Effect.never
        )
    })
  )
)

layer(unending, { excludeTestServices: true })("deletions that take long", (it) => {
  it.effect("a running deletion holds its website's slot, even after its request was aborted", () =>
    Effect.gen(function* () {
      const { request } = yield* opened
      const erase = (name: string) => request("POST", "/person/erase", { email: `${name}@example.com` })
      const sent = yield* Effect.forkChild(erase("first"))
      yield* until("the deletion begins", () => begun.size === 1)
      yield* Fiber.interrupt(sent)
      // All but one wait for it.
      const count = SiteSlots.kinds.erasures.waitingPerOwner + 1
      const refused = yield* Effect.raceAll(Array.from({ length: count }, (_, index) => erase(`${index}`)))
      assert.deepStrictEqual([refused.status, refused.headers.get("retry-after")], [429, "5"])
      assert.strictEqual(begun.size, 1)
    })
  )
})
