import { Layer } from "effect"
import * as AnalyticsRepo from "../../../src/postgres/analytics/AnalyticsRepo.ts"
import * as EventRepo from "../../../src/postgres/analytics/EventRepo.ts"
import * as Reports from "../../../src/postgres/analytics/Reports.ts"
import * as SiteDirectory from "../../../src/postgres/sites/SiteDirectory.ts"
import { suite } from "../../suites/Reports.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

suite(
  "postgres/analytics/Reports",
  Layer.mergeAll(
    AnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 10_000 }),
    EventRepo.layer({ timeout: "20 seconds", maxQueue: 10_000 }),
    Reports.layer({ timeout: "20 seconds" }),
    SiteDirectory.layer()
  ).pipe(Layer.provide(TestClient.layer))
)
