/** The production client, over HTTP. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as Service from "../../../src/analytics/AnalyticsRepo.ts"
import * as AnalyticsRepo from "../../../src/analytics/clickhouse/AnalyticsRepo.ts"
import * as SeparateStore from "../../../src/analytics/clickhouse/SeparateStore.ts"
import { Goals } from "../../../src/analytics/Goal.ts"
import * as ReportsLayer from "../../../src/analytics/reports/clickhouse/Reports.ts"
import type { Query as CoreQuery } from "../../../src/analytics/reports/Query.ts"
import * as Reports from "../../../src/analytics/reports/Reports.ts"
import * as Store from "../../../src/analytics/SeparateStore.ts"
import { ClickHouse } from "../../../src/platform/clickhouse/ClickHouse.ts"
import * as SiteDirectory from "../../../src/sites/SiteDirectory.ts"
import * as Sites from "../../../src/sites/SiteDirectory.ts"
import { newSite, shapeOf, viewOf } from "../../suites/PageViews.ts"
import * as HttpServer from "../../support/clickhouse/HttpServer.ts"
import { describeWithClickHouse } from "../../support/clickhouse/TestClickHouse.ts"
import * as WritableSites from "../../support/clickhouse/WritableSites.ts"
import * as ReportQuery from "../../support/ReportQuery.ts"

const plain = shapeOf({ path: "/it's" })

const newReportSite = Sites.SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] }))

describeWithClickHouse("platform/clickhouse/ClickHouse over HTTP", () => {
  layer(HttpServer.shared, { excludeTestServices: true })((it) => {
    it.effect("finds the rows of visitors whose hashes together exceed the maximum length of a URL", () =>
      Effect.gen(function* () {
        const server = yield* HttpServer.Shared
        yield* Effect.gen(function* () {
          const { append } = yield* Service.AnalyticsRepo
          const { visitorRows } = Option.getOrThrow(yield* Store.SeparateStore)
          const view = viewOf(yield* newSite, plain)
          const newHash = () => randomUUID().replaceAll("-", "")
          const visitorHash = newHash()
          yield* append({ ...view, visitorHash })
          yield* append({ ...view, visitorHash: newHash() })
          const others = Array.from({ length: 500 }, newHash)
          const { hostedWebsiteId, receivedAt } = view
          const found = yield* visitorRows({
            hostedWebsiteId,
            after: receivedAt - 1,
            until: receivedAt,
            visitorHashes: [...others, visitorHash]
          })
          assert.deepStrictEqual(
            found.map((row) => [row.visitorHash, row.sessionKey, row.path]),
            [[visitorHash, visitorHash, plain.path]]
          )
        }).pipe(
          Effect.provide(
            Layer.merge(
              AnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 10, interval: "1 millis" }),
              SeparateStore.layer({ timeout: "20 seconds" })
            ).pipe(
              Layer.provideMerge(
                Layer.merge(
                  HttpServer.clientOf(server),
                  WritableSites.layer.pipe(Layer.provideMerge(SiteDirectory.layerMemory()))
                )
              )
            )
          )
        )
      }).pipe(Effect.scoped)
    )

    it.effect("`rebuild` rolls up more days than the parameters of one URL can name", () =>
      Effect.gen(function* () {
        const server = yield* HttpServer.Shared
        const days = yield* Effect.gen(function* () {
          const { command, query } = yield* ClickHouse
          const site = yield* newReportSite
          yield* command(
            `INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
              SELECT {site:UUID}, now64(3) - toIntervalDay(arrayJoin([200, 0])), '/', generateUUIDv4()`,
            { parameters: { site: site.hostedWebsiteId } }
          )
          yield* Reports.Reports.use(({ rebuild }) => rebuild(site))
          return yield* query("SELECT uniqExact(day) AS days FROM visit_run WHERE hosted_website_id = {site:UUID}", {
            parameters: { site: site.hostedWebsiteId }
          })
        }).pipe(
          Effect.provide(
            ReportsLayer.layer({ timeout: "20 seconds" }).pipe(
              Layer.provideMerge(
                Layer.mergeAll(
                  HttpServer.clientOf(server),
                  Layer.mock(Goals, {}),
                  WritableSites.layer.pipe(Layer.provideMerge(SiteDirectory.layerMemory()))
                )
              )
            )
          )
        )
        assert.deepStrictEqual(days, [{ days: 201 }])
      }).pipe(Effect.scoped)
    )

    it.effect("a report gives the same numbers from rows, from stored visits and from sums", () =>
      Effect.gen(function* () {
        const server = yield* HttpServer.Shared
        const answers = yield* Effect.gen(function* () {
          const { command } = yield* ClickHouse
          const reports = yield* Reports.Reports
          const site = yield* newReportSite
          // More rows than are grouped in the process: 1,500 visits of two page views each.
          yield* command(
            `INSERT INTO page_view (hosted_website_id, received_at, path, utm_source, visitor_hash)
              SELECT {site:UUID}, toDateTime64('2026-11-20 12:00:00', 3, 'UTC') + number % 2, ['/it''s', '/b'][1 + number % 2],
                'a\\\\b', reinterpretAsUUID(MD5(toString(intDiv(number, 2)))) FROM numbers(3000)`,
            { parameters: { site: site.hostedWebsiteId } }
          )
          const query = (filters: CoreQuery["filters"]) =>
            reports.query(site, {
              ...ReportQuery.plain,
              siteId: site.websiteConfigId,
              metrics: ["visitors", "visits", "pageviews", "bounce_rate"],
              range: { first: "2026-11-19", last: "2026-11-21" },
              timeZone: "Europe/Berlin",
              dimensions: ["event:page"],
              filters,
              orderBy: [{ by: "event:page", direction: "asc" }],
              limit: 10
            })
          const filters: CoreQuery["filters"] = [
            { operator: "is", dimension: "visit:utm_source", values: ["a\\b", "c"] },
            { operator: "contains_not", dimension: "event:page", values: ["'s"] }
          ]
          const ask = Effect.map(Effect.all([query([]), query(filters)]), (all) => all.map(({ results }) => results))
          const fromRows = yield* ask
          yield* reports.rebuild({ ...site, timeZone: "Europe/Berlin" })
          return { fromRows, fromStored: yield* ask }
        }).pipe(
          Effect.provide(
            ReportsLayer.layer({ timeout: "20 seconds" }).pipe(
              Layer.provideMerge(
                Layer.mergeAll(
                  HttpServer.clientOf(server),
                  Layer.mock(Goals, { list: () => Effect.succeed([]) }),
                  WritableSites.layer.pipe(Layer.provideMerge(SiteDirectory.layerMemory()))
                )
              )
            )
          )
        )
        const row = (page: string, bounces: number) => ({ dimensions: [page], metrics: [1500, 1500, 1500, bounces] })
        const expected = [[row("/b", 0), row("/it's", 0)], [row("/b", 0)]]
        assert.deepStrictEqual(answers, { fromRows: expected, fromStored: expected })
      }).pipe(Effect.scoped)
    )
  })
})
