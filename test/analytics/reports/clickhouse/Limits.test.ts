/** A report that needs too many groups, too much memory or too much time fails with an error that names the limit. */
import { randomUUID } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Goals } from "../../../../src/analytics/Goal.ts"
import * as Counting from "../../../../src/analytics/reports/clickhouse/Counting.ts"
import * as Reader from "../../../../src/analytics/reports/clickhouse/Reader.ts"
import * as Reports from "../../../../src/analytics/reports/clickhouse/Reports.ts"
import * as LocalTime from "../../../../src/analytics/reports/LocalTime.ts"
import type { Query as CoreQuery, Filter } from "../../../../src/analytics/reports/Query.ts"
import * as Service from "../../../../src/analytics/reports/Reports.ts"
import { ClickHouse } from "../../../../src/platform/clickhouse/ClickHouse.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../../../../src/platform/Id.ts"
import * as Storage from "../../../../src/platform/Storage.ts"
import { dateOf } from "../../../../src/platform/text/Calendar.ts"
import * as SiteDirectory from "../../../../src/sites/SiteDirectory.ts"
import * as EverySite from "../../../support/clickhouse/EverySite.ts"
import * as TestClickHouse from "../../../support/clickhouse/TestClickHouse.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"
import * as TestTime from "../../../support/TestTime.ts"

const noGoals = Layer.mock(Goals, { list: () => Effect.succeed([]), all: Effect.succeed(new Map<never, never>()) })

const site = {
  hostedWebsiteId: HostedWebsiteId.make(randomUUID()),
  websiteConfigId: WebsiteConfigId.make(randomUUID())
}

const today = dateOf(TestTime.ofMachine())

const query = (filters: ReadonlyArray<Filter>): CoreQuery => ({
  ...ReportQuery.plain,
  siteId: site.websiteConfigId,
  metrics: ["visitors"],
  range: { first: LocalTime.addDays(today, -1), last: LocalTime.addDays(today, 1) },
  timeZone: "UTC",
  dimensions: ["event:page"],
  filters,
  includeTotalRows: true,
  limit: 10
})

const goals = Layer.merge(noGoals, SiteDirectory.layerMemory())

/** Stores page views, each with its own page and visitor. */
const store = (pages: number) =>
  ClickHouse.use(({ command }) =>
    command(
      `INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
        SELECT {site:UUID}, now64(3), '/' || toString(number), generateUUIDv4() FROM numbers({pages:UInt32})`,
      { parameters: { site: site.hostedWebsiteId, pages } }
    )
  )

const reportWith = (options: Reports.Options) =>
  Service.Reports.use((reports) => Effect.result(reports.query(site, query([])))).pipe(
    Effect.provide(Layer.provide(Reports.layer(options), [goals, EverySite.writable]))
  )

TestClickHouse.describeWithClickHouse("analytics/reports/clickhouse/Limits", () => {
  it.live("a report with more rows than the limit fails, and one with as many rows as the limit does not", () =>
    Effect.gen(function* () {
      yield* store(101)
      const reader = Reader.make(yield* ClickHouse, { seconds: 20, memory: 1_000_000_000 })
      const error = yield* Effect.flip(Counting.answer(reader, site, query([]), [], 100))
      assert.deepStrictEqual(error, new Storage.ReportTooLarge({ limit: "100 rows" }))
      const withoutOne: Filter = { operator: "is_not", dimension: "event:page", values: ["/1"] }
      assert.strictEqual((yield* Counting.answer(reader, site, query([withoutOne]), [], 100)).meta.total_rows, 100)
    }).pipe(Effect.provide(TestClickHouse.layer))
  )

  it.live("a report that needs too much memory or time fails", () =>
    Effect.gen(function* () {
      yield* store(50_000)
      const tooLarge = yield* reportWith({ timeout: "60 seconds", memory: 5_000_000 })
      assert.deepInclude(tooLarge, { failure: new Storage.ReportTooLarge({ limit: "0.005 GB of memory" }) })
      const tooLong = yield* reportWith({ timeout: "1 millis" })
      assert.deepInclude(tooLong, { failure: new Storage.ReportTimeout({ limit: "1ms" }) })
    }).pipe(Effect.provide(TestClickHouse.layer))
  )
})
