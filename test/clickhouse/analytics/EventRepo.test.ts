import { Layer } from "effect"
import * as AnalyticsExport from "../../../src/clickhouse/analytics/AnalyticsExport.ts"
import * as AnalyticsRepo from "../../../src/clickhouse/analytics/AnalyticsRepo.ts"
import * as EventRepo from "../../../src/clickhouse/analytics/EventRepo.ts"
import * as SiteDirectory from "../../../src/memory/sites/SiteDirectory.ts"
import { suite, unknownSites } from "../../suites/EventRepo.ts"
import * as TestClickHouse from "../../support/clickhouse/TestClickHouse.ts"
import * as WritableSites from "../../support/clickhouse/WritableSites.ts"

const options = { timeout: "20 seconds", maxQueue: 1_000, interval: "5 millis" } as const

const live = Layer.mergeAll(
  AnalyticsRepo.layer(options),
  EventRepo.layer(options),
  AnalyticsExport.layer(options)
).pipe(
  Layer.provide(TestClickHouse.layer),
  Layer.provide(WritableSites.layer),
  Layer.provideMerge(SiteDirectory.layer())
)

TestClickHouse.describeWithClickHouse("with ClickHouse", () => {
  suite("clickhouse/analytics/EventRepo", live)
  unknownSites("clickhouse/analytics/EventRepo: batches", live)
})
