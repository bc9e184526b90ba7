/**
 * `POST /v1/owner/query`: the requests of Plausible's documentation, and invalid requests.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import type { QueryBody } from "../../../src/analytics/reports/QueryBody.ts"
import * as Client from "../../../src/api/OwnerClient.ts"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { id } from "../../support/Ids.ts"
import { send } from "../../support/OwnerRequests.ts"
import { paths, TestServer, onPostgres as testServer } from "../../support/TestServer.ts"
import * as TestTime from "../../support/TestTime.ts"

const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" }

/** A website with three page views of two visits, and a key for it. */
const seeded = Effect.gen(function* () {
  const server = yield* TestServer
  const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Plausible", origins: [] }))
  const { key } = yield* OwnerKeys.use((keys) =>
    keys.issue({ scope: "stats", sites: [site.websiteConfigId], label: null, expiresAt: null })
  ).pipe(Effect.flatMap(Effect.fromOption))
  for (const [page_path, session_id] of [
    ["/pricing?utm_source=twitter&utm_medium=social", "one"],
    ["/docs", "one"],
    ["/", "two"]
  ]) {
    const view = { site_id: site.trackingToken, page_path, session_id }
    assert.strictEqual((yield* server.send(paths.track, view, { headers: browser })).status, 204)
  }
  return { url: server.url, siteId: site.websiteConfigId, key }
}).pipe(Effect.orDie)

const Row = Schema.Struct({ dimensions: Schema.Array(Schema.String), metrics: Schema.Array(Schema.Unknown) })
const Shape = Schema.Struct({
  results: Schema.Array(Row),
  meta: Schema.Record(Schema.String, Schema.Unknown),
  query: Schema.Struct({
    site_id: Schema.String,
    metrics: Schema.Array(Schema.String),
    date_range: Schema.Tuple([Schema.String, Schema.String]),
    dimensions: Schema.Array(Schema.String),
    filters: Schema.Array(Schema.Unknown),
    order_by: Schema.Array(Schema.Tuple([Schema.String, Schema.String]))
  })
})

const today = () => new Date(TestTime.ofMachine()).toISOString().slice(0, 10)

/**
 * The examples of Plausible's reference of the Stats API v2 (docs, `src/js/apiv2-examples`), letter for letter. In the one
 * that filters by `visit:country_name`, which is not stored here, the dimension is `visit:country`.
 */
const examples: ReadonlyArray<readonly [name: string, query: string, results: () => unknown]> = [
  [
    "first request",
    '{ "site_id": "dummy.site", "metrics": ["visitors"], "date_range": "7d" }',
    () => [{ dimensions: [], metrics: [1] }]
  ],
  [
    "simple aggregate query",
    '{ "site_id": "dummy.site", "metrics": ["visitors", "events"], "date_range": "7d" }',
    () => [{ dimensions: [], metrics: [1, 3] }]
  ],
  [
    "custom date range",
    '{ "site_id": "dummy.site", "metrics": ["visitors"], "date_range": ["2024-08-01", "2024-08-15"] }',
    () => [{ dimensions: [], metrics: [0] }]
  ],
  [
    "UTM medium, source analysis",
    '{ "site_id": "dummy.site", "metrics": ["visitors", "events", "pageviews"], "date_range": "7d", "dimensions": ["visit:utm_medium", "visit:utm_source"] }',
    () => [
      { dimensions: ["(not set)", "(not set)"], metrics: [1, 1, 1] },
      { dimensions: ["social", "twitter"], metrics: [1, 2, 2] }
    ]
  ],
  [
    "filtering by page and country",
    '{ "site_id": "dummy.site", "metrics": ["visitors"], "date_range": "7d", "filters": [["contains", "event:page", ["/docs", "/pricing"]], ["is", "visit:country", ["EE", "US"]]] }',
    () => [{ dimensions: [], metrics: [0] }]
  ],
  [
    "timeseries query",
    '{ "site_id": "dummy.site", "metrics": ["visitors", "events"], "date_range": "7d", "filters": [["is", "visit:os", ["GNU/Linux", "Mac"]]], "dimensions": ["time:day"] }',
    () => []
  ],
  [
    "timeseries query hourly, with labels",
    '{ "site_id": "dummy.site", "metrics": ["visitors"], "date_range": "day", "dimensions": ["time:hour"], "include": { "time_labels": true } }',
    () => undefined
  ],
  [
    "using custom properties",
    '{ "site_id": "dummy.site", "metrics": ["visitors"], "date_range": "7d", "dimensions": ["time:day", "event:props:is_customer"], "order_by": [["time:day", "asc"], ["event:props:is_customer", "desc"]] }',
    () => [{ dimensions: [today(), "(not set)"], metrics: [1] }]
  ],
  [
    "pagination",
    '{ "site_id": "dummy.site", "metrics": ["visitors", "events", "pageviews"], "date_range": "7d", "dimensions": ["visit:utm_medium", "visit:utm_source"], "include": { "total_rows": true }, "pagination": { "limit": 3, "offset": 1 } }',
    () => [{ dimensions: ["social", "twitter"], metrics: [1, 2, 2] }]
  ],
  [
    "revenue metrics",
    '{ "site_id": "dummy.site", "metrics": ["total_revenue"], "date_range": "all", "dimensions": ["event:goal"] }',
    () => []
  ]
]

const faultsOf = (text: string) =>
  (JSON.parse(text) as { detail: ReadonlyArray<{ loc: ReadonlyArray<unknown>; msg: string; type: string }> }).detail

layer(testServer(), { excludeTestServices: true })("POST /v1/owner/query", (it) => {
  it.effect("a request of Plausible's documentation gets an answer of the same shape", () =>
    Effect.gen(function* () {
      const { key, siteId, url } = yield* seeded
      for (const [name, template, results] of examples) {
        const body = template.replace("dummy.site", siteId)
        const requested = JSON.parse(body) as QueryBody
        const answer = yield* send(url, "/v1/owner/query", { key, body })
        assert.strictEqual(answer.status, 200, `${name}: ${answer.text}`)
        const report = yield* Schema.decodeEffect(Schema.fromJsonString(Shape))(answer.text)
        assert.deepStrictEqual(report.query.metrics, requested.metrics, name)
        assert.deepStrictEqual(report.query.dimensions, requested.dimensions ?? [], name)
        assert.strictEqual(report.query.site_id, siteId)
        for (const { dimensions, metrics } of report.results) {
          assert.strictEqual(dimensions.length, requested.dimensions?.length ?? 0, name)
          assert.strictEqual(metrics.length, requested.metrics.length, name)
        }
        const expected = results()
        if (expected !== undefined) assert.deepStrictEqual(report.results as unknown, expected, name)
        if (requested.include?.total_rows === true) assert.strictEqual(report.meta["total_rows"], 2)
        if (requested.include?.time_labels === true) assert.lengthOf(report.meta["time_labels"] as Array<string>, 24)
      }
    })
  )

  it.effect(
    "the typed client lists websites, counts current visitors and queries reports, and an error is tagged",
    () =>
      Effect.gen(function* () {
        const { key, siteId, url } = yield* seeded
        const client = yield* Client.make({ baseUrl: url, key: Redacted.make(key) })
        const { sites } = yield* client.sites.list({ query: {} })
        assert.deepStrictEqual(
          sites.map(({ name, site_id, time_zone }) => [site_id, name, time_zone]),
          [[siteId, "Plausible", "UTC"]]
        )
        assert.deepStrictEqual(yield* client.reports.now({ params: { site_id: siteId } }), { visitors: 1 })
        const report = yield* client.reports.query({
          payload: {
            site_id: siteId,
            metrics: ["visits", "bounce_rate"],
            date_range: "day",
            dimensions: ["event:page"],
            order_by: [["event:page", "asc"]],
            include: { comparison: "previous_period" }
          }
        })
        assert.deepStrictEqual(
          report.results.map(({ dimensions }) => dimensions[0]),
          ["/", "/docs", "/pricing"]
        )
        assert.deepStrictEqual(report.results[0]?.comparison?.metrics, [0, 0])
        const unknown = yield* client.reports
          .now({ params: { site_id: id(WebsiteConfigId, "unknown") } })
          .pipe(Effect.flip)
        assert.strictEqual(unknown._tag, "NotFound")
        const wrong = yield* client.sites.list({ query: { limit: 1_000 } }).pipe(Effect.flip)
        if (wrong._tag !== "ValidationFailed") return assert.fail(wrong._tag)
        assert.deepStrictEqual(wrong.detail[0]?.loc, ["query", "limit"])
        // The client knows the rules of a query, and sends none that breaks them.
        const unsent = yield* client.reports
          .query({ payload: { site_id: siteId, metrics: [], date_range: "day" } })
          .pipe(Effect.flip)
        assert.strictEqual(unsent._tag, "SchemaError")
        const unauthorized = yield* Client.make({ baseUrl: url, key: Redacted.make("hok_") })
        assert.strictEqual((yield* Effect.flip(unauthorized.sites.list({ query: {} })))._tag, "Unauthorized")
      }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.effect("each error of a query is reported with its location", () =>
    Effect.gen(function* () {
      const { key, siteId, url } = yield* seeded
      const body = {
        site_id: "dummy.site",
        metrics: ["visitors", "fame"],
        date_range: ["2026-02-02", "2026-01-01"],
        dimensions: ["visit:shoe_size"],
        filters: [["resembles", "event:page", ["/"]]],
        pagination: { limit: 1_000_000 }
      }
      const answer = yield* send(url, "/v1/owner/query", { key, body })
      assert.strictEqual(answer.status, 422)
      const places = faultsOf(answer.text).map(({ loc }) => loc.join("."))
      assert.includeMembers(places, [
        "body.site_id",
        "body.metrics.1",
        "body.date_range",
        "body.dimensions.0",
        "body.pagination.limit"
      ])
      assert.isTrue(places.some((place) => place.startsWith("body.filters.0")))
      const malformed = yield* send(url, "/v1/owner/sites/nobody/now", { key })
      assert.strictEqual(malformed.status, 422)
      assert.deepStrictEqual(faultsOf(malformed.text)[0]?.loc, ["path", "site_id"])
      assert.strictEqual((yield* send(url, `/v1/owner/sites/${siteId}/now`, { key })).status, 200)
    })
  )

  it.effect(
    "a body that is invalid, too large or of another content type is refused, and the next request is answered",
    () =>
      Effect.gen(function* () {
        const { key, siteId, url } = yield* seeded
        const query = { site_id: siteId, metrics: ["visitors"], date_range: "day" }
        const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`
        const deep = `{"site_id": "${siteId}", "metrics": ["visitors"], "date_range": "day", "filters": ${nested(100_000)}}`
        const typed = (type: string) => ({ method: "POST", headers: { "content-type": type } })
        for (const [status, body, init] of [
          [422, "{", {}],
          [422, "", {}],
          [422, "null", {}],
          [422, "[]", {}],
          [422, "1e999", {}],
          [422, '"\ud800"', {}],
          [422, nested(100_000), {}],
          [422, deep, {}],
          [422, { ...query, filters: Array.from({ length: 10_000 }, () => ["is", "event:page", ["/"]]) }, {}],
          [422, { ...query, filters: [["is", "event:page", Array.from({ length: 10_000 }, String)]] }, {}],
          [422, `{"__proto__": {"site_id": "${siteId}"}}`, {}],
          [413, JSON.stringify("x".repeat(300 * 1024)), {}],
          [415, JSON.stringify(query), typed("text/plain")],
          [415, "a=b", typed("application/x-www-form-urlencoded")],
          [200, JSON.stringify(query), typed("Application/JSON; charset=utf-8")]
        ] as const) {
          const answer = yield* send(url, "/v1/owner/query", { key, body, init })
          assert.strictEqual(answer.status, status, `${JSON.stringify(body).slice(0, 80)} ${answer.text.slice(0, 200)}`)
          assert.match(answer.headers.get("content-type") ?? "", /^application\/json/)
          assert.isBelow(answer.text.length, 50_000)
          assert.strictEqual((yield* send(url, "/v1/owner/query", { key, body: query })).status, 200)
        }
      })
  )

  it.effect.prop(
    "any JSON body is answered without a server error",
    [Schema.Record(Schema.String, Schema.Json), Schema.Json, Schema.Json, Schema.Json],
    ([more, metrics, filters, include]) =>
      Effect.gen(function* () {
        const { key, siteId, url } = yield* theWebsite
        for (const body of [
          more,
          { site_id: siteId, metrics, date_range: "7d", filters, include, dimensions: metrics, ...more }
        ]) {
          const { status, text } = yield* send(url, "/v1/owner/query", { key, body })
          assert.include([200, 404, 422], status, text)
        }
      })
  )
})

/** The test server's website, and a key for it. The runs of a property share them. */
const theWebsite = Effect.gen(function* () {
  const { url, websiteConfigId } = yield* TestServer
  const issued = yield* OwnerKeys.use((keys) =>
    keys.issue({ scope: "stats", sites: "all", label: null, expiresAt: null })
  ).pipe(Effect.flatMap(Effect.fromOption))
  return { url, siteId: websiteConfigId, key: issued.key }
}).pipe(Effect.orDie)
