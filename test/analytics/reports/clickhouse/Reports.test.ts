import { Effect, Layer } from "effect"
import * as AnalyticsRepo from "../../../../src/analytics/clickhouse/AnalyticsRepo.ts"
import { Goals } from "../../../../src/analytics/Goal.ts"
import * as Reports from "../../../../src/analytics/reports/clickhouse/Reports.ts"
import * as SiteDirectory from "../../../../src/sites/SiteDirectory.ts"
import * as AnalyticsRepoSuite from "../../../suites/AnalyticsRepo.ts"
import * as ReportsSuite from "../../../suites/Reports.ts"
import * as TestClickHouse from "../../../support/clickhouse/TestClickHouse.ts"
import * as WritableSites from "../../../support/clickhouse/WritableSites.ts"

const noGoals = Layer.mock(Goals, { list: () => Effect.succeed([]), all: Effect.succeed(new Map<never, never>()) })

const options = { timeout: "20 seconds", maxQueue: 10_000, interval: "5 millis" } as const

const live = Layer.mergeAll(AnalyticsRepo.layer(options), Reports.layer({ timeout: "20 seconds" })).pipe(
  Layer.provide([TestClickHouse.layer, WritableSites.layer, noGoals]),
  Layer.provideMerge(SiteDirectory.layerMemory())
)

// Few runs: a statement takes tens of milliseconds to analyze, however few rows it reads.
TestClickHouse.describeWithClickHouse("with ClickHouse", () => {
  ReportsSuite.suite("analytics/reports/clickhouse/Reports", live, { runs: 6 })
  AnalyticsRepoSuite.suite("analytics/clickhouse/AnalyticsRepo", live, { runs: 10 })
})
