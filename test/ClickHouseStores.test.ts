/** The storage with `ANALYTICS_URL`: websites in PostgreSQL, page views in ClickHouse over HTTP. */
import { Layer } from "effect"
import * as AnalyticsRepo from "./suites/AnalyticsRepo.ts"
import * as Problems from "./suites/Problems.ts"
import * as SiteActivity from "./suites/SiteActivity.ts"
import * as SiteErasure from "./suites/SiteErasure.ts"
import { layer } from "./support/clickhouse/SeparateStorage.ts"
import * as TestClickHouse from "./support/clickhouse/TestClickHouse.ts"
import * as TestClient from "./support/postgres/TestClient.ts"

TestClickHouse.describeWithClickHouse("with ClickHouse and PostgreSQL", () => {
  AnalyticsRepo.suite("clickhouse: AnalyticsRepo", layer, { runs: 5 })
  SiteErasure.suite("clickhouse: SiteErasure", layer, { runs: 2 })
  SiteActivity.suite("clickhouse: SiteActivity", layer)
  Problems.suite("clickhouse: Problems", Layer.merge(layer, TestClient.layer))
})
