import { Layer } from "effect"
import * as AnalyticsRepo from "../../../src/memory/analytics/AnalyticsRepo.ts"
import * as AnalyticsRows from "../../../src/memory/analytics/AnalyticsRows.ts"
import * as Reports from "../../../src/memory/analytics/Reports.ts"
import * as SiteDirectory from "../../../src/memory/sites/SiteDirectory.ts"
import { suite } from "../../suites/AnalyticsRepo.ts"

suite(
  "memory/analytics/AnalyticsRepo",
  Layer.mergeAll(AnalyticsRepo.layer, Reports.layer, SiteDirectory.layer()).pipe(Layer.provide(AnalyticsRows.layer))
)
