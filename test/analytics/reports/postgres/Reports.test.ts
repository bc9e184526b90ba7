import { Layer } from "effect"
import * as AnalyticsRepo from "../../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as Reports from "../../../../src/analytics/reports/postgres/Reports.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import { suite } from "../../../suites/Reports.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

suite(
  "analytics/reports/postgres/Reports",
  Layer.mergeAll(
    AnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 10_000 }),
    Reports.layer({ timeout: "20 seconds" }),
    SiteDirectory.layer()
  ).pipe(Layer.provide(TestClient.layer))
)
