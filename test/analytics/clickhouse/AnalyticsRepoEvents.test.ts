import { Layer } from "effect"
import * as AnalyticsRepo from "../../../src/analytics/clickhouse/AnalyticsRepo.ts"
import * as SiteDirectory from "../../../src/sites/SiteDirectory.ts"
import { suite, unknownSites } from "../../suites/AnalyticsRepoEvents.ts"
import * as TestClickHouse from "../../support/clickhouse/TestClickHouse.ts"
import * as WritableSites from "../../support/clickhouse/WritableSites.ts"

const options = { timeout: "20 seconds", maxQueue: 1_000, interval: "5 millis" } as const

const live = AnalyticsRepo.layer(options).pipe(
  Layer.provide(TestClickHouse.layer),
  Layer.provide(WritableSites.layer),
  Layer.provideMerge(SiteDirectory.layerMemory())
)

TestClickHouse.describeWithClickHouse("with ClickHouse", () => {
  // Few runs: an insert takes tens of milliseconds, however small it is.
  suite("analytics/clickhouse/AnalyticsRepo: events", live, { runs: 10 })
  unknownSites("analytics/clickhouse/AnalyticsRepo: batches of events", live)
})
