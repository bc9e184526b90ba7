/** The service with page views in ClickHouse: visitors' page views and events are in an owner's reports. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import * as SeparateStorage from "../../support/clickhouse/SeparateStorage.ts"
import * as TestClickHouse from "../../support/clickhouse/TestClickHouse.ts"
import { send } from "../../support/OwnerRequests.ts"
import { paths, TestServer, layer as testServer } from "../../support/TestServer.ts"

const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" }

const server = testServer({}, undefined, undefined, SeparateStorage.layer)

TestClickHouse.describeWithClickHouse("clickhouse: the service", () => {
  layer(server, { excludeTestServices: true })((it) => {
    it.effect("page views and events are in the results of queries and of `now`", () =>
      Effect.gen(function* () {
        const { send: post, url } = yield* TestServer
        const site = yield* SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
        const { key } = yield* OwnerKeys.use((keys) =>
          keys.issue({ scope: "stats", sites: [site.websiteConfigId], label: null, expiresAt: null })
        ).pipe(Effect.flatMap(Effect.fromOption))
        const visitor = { site_id: site.trackingToken, session_id: "one" }
        for (const [path, body] of [
          [paths.track, { ...visitor, page_path: "/pricing?utm_source=letter" }],
          [paths.track, { ...visitor, page_path: "/docs" }],
          [paths.event, { ...visitor, page_path: "/docs", name: "Signup", properties: { plan: 1e21 } }]
        ] as const) {
          assert.strictEqual((yield* post(path, body, { headers: browser })).status, 204)
        }
        const resultsOf = (dimensions: ReadonlyArray<string>, metrics: ReadonlyArray<string>) =>
          send(url, "/v1/owner/query", {
            key,
            body: { site_id: site.websiteConfigId, date_range: "7d", dimensions, metrics }
          }).pipe(
            Effect.map(({ status, text }) => {
              assert.strictEqual(status, 200, text)
              return (JSON.parse(text) as { readonly results: unknown }).results
            })
          )
        assert.deepStrictEqual(
          yield* resultsOf(["visit:source", "visit:browser"], ["visitors", "visits", "pageviews", "events"]),
          [{ dimensions: ["letter", "Firefox"], metrics: [1, 1, 2, 3] }]
        )
        assert.deepStrictEqual(yield* resultsOf(["event:name", "event:props:plan"], ["events"]), [
          { dimensions: ["pageview", "(not set)"], metrics: [2] },
          { dimensions: ["Signup", "1e+21"], metrics: [1] }
        ])
        const now = yield* send(url, `/v1/owner/sites/${site.websiteConfigId}/now`, { key })
        assert.deepInclude(JSON.parse(now.text), { visitors: 1 })
      })
    )
  })
})
