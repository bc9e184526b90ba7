import { Layer } from "effect"
import * as AnalyticsExport from "../../../src/memory/analytics/AnalyticsExport.ts"
import * as AnalyticsRepo from "../../../src/memory/analytics/AnalyticsRepo.ts"
import * as AnalyticsRows from "../../../src/memory/analytics/AnalyticsRows.ts"
import * as EventRepo from "../../../src/memory/analytics/EventRepo.ts"
import * as SiteDirectory from "../../../src/memory/sites/SiteDirectory.ts"
import { suite } from "../../suites/EventRepo.ts"

suite(
  "memory/analytics/EventRepo",
  Layer.mergeAll(AnalyticsRepo.layer, EventRepo.layer, AnalyticsExport.layer, SiteDirectory.layer()).pipe(
    Layer.provide(AnalyticsRows.layer)
  )
)
