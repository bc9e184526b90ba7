/**
 * The owner API: the problems of a website, from the requests that caused them.
 */
import { PgClient } from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import type { Problem } from "../../src/health/Problem.ts"
import type { Scope } from "../../src/sites/access/Access.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { send } from "../support/OwnerRequests.ts"
import { opened } from "../support/OwnerSession.ts"
import * as TestClient from "../support/postgres/TestClient.ts"
import { onPostgres, paths, TestServer } from "../support/TestServer.ts"
import { poll } from "../support/Wait.ts"

const problemsIn = (text: string): ReadonlyArray<Problem> => JSON.parse(text).problems

/** The name, and the first problem of each website in a part of the list. */
const listed = (text: string) => {
  const { next, sites } = JSON.parse(text) as {
    readonly next: string | null
    readonly sites: ReadonlyArray<{ readonly name: string; readonly problems: ReadonlyArray<Problem> }>
  }
  return {
    next,
    sites: sites.map(({ name, problems }) => [name, problems.flatMap(({ kind, subject }) => [kind, subject])] as const)
  }
}

layer(Layer.merge(onPostgres({}), TestClient.layer), { excludeTestServices: true })("health", (it) => {
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

  it.effect("all websites of the caller are listed in parts, or only those with problems", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const newSite = (name: string) =>
        SiteDirectory.use((sites) => sites.create({ name, origins: ["https://a.example"] })).pipe(Effect.orDie)
      const [well, refused, foreign, last] = [
        yield* newSite("Well"),
        yield* newSite("Refused"),
        yield* newSite("Foreign"),
        yield* newSite("Last")
      ]
      // They are listed by when they were created, which may be the same millisecond.
      const sql = yield* PgClient
      for (const [seconds, { websiteConfigId }] of [well, refused, foreign, last].entries()) {
        yield* sql`UPDATE site SET created_at = created_at + make_interval(secs => ${seconds})
          WHERE website_config_id = ${websiteConfigId}`
      }
      for (const { trackingToken } of [refused, foreign, last]) {
        for (let time = 0; time < 3; time++) {
          const view = { site_id: trackingToken, page_path: "/" }
          yield* server.send(paths.track, view, { headers: { origin: "https://new.example" } })
        }
      }
      const keyOf = (scope: Scope) =>
        Effect.map(
          OwnerKeys.use((keys) =>
            keys.issue({
              scope,
              sites: [well, refused, last].map(({ websiteConfigId }) => websiteConfigId),
              label: null,
              expiresAt: null
            })
          ),
          (issued) => Option.getOrThrow(issued).key
        )
      const key = yield* keyOf("read")
      const read = (query: string, by = key) =>
        Effect.map(send(server.url, `/v1/owner/health${query}`, { key: by }), ({ text }) => listed(text))
      const all = yield* poll(read(""), ({ sites }) => sites.filter(([, [kind]]) => kind !== undefined).length === 2)
      assert.deepStrictEqual(all, {
        sites: [
          ["Well", []],
          ["Refused", ["origin_refused", "https://new.example"]],
          ["Last", ["origin_refused", "https://new.example"]]
        ],
        next: null
      })
      const parts = []
      for (let next: string | null = ""; next !== null; ) {
        const cursor: string = next === "" ? "" : `&cursor=${next}`
        const part: ReturnType<typeof listed> = yield* read(`?with_problems=true&limit=1${cursor}`)
        parts.push(part.sites)
        next = part.next
      }
      assert.deepStrictEqual(parts.flat(), all.sites.slice(1))
      const stats = yield* read("?with_problems=true", yield* keyOf("stats"))
      assert.deepStrictEqual(stats.sites, [
        ["Refused", ["origin_refused", null]],
        ["Last", ["origin_refused", null]]
      ])
    })
  )

  it.effect("a request checks a bounded number of websites, so a part may be empty", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const sql = yield* PgClient
      yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name, origins, time_zone, created_at)
        SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'Old', '{}', 'UTC', to_timestamp(number)
        FROM generate_series(1, 1001) AS number`
      const issued = yield* OwnerKeys.use((keys) =>
        keys.issue({ scope: "read", sites: "all", label: null, expiresAt: null })
      )
      const { key } = Option.getOrThrow(issued)
      const first = yield* send(server.url, "/v1/owner/health?with_problems=true", { key })
      const { next, sites } = listed(first.text)
      assert.deepStrictEqual(sites, [])
      assert.match(next ?? "", /^1000000\./)
    })
  )
})
