import { Layer } from "effect"
import * as AnalyticsRepo from "../../src/memory/AnalyticsRepo.ts"
import * as PageViews from "../../src/memory/PageViews.ts"
import * as Reports from "../../src/memory/Reports.ts"
import * as SiteDirectory from "../../src/memory/SiteDirectory.ts"
import { suite } from "../suites/AnalyticsRepo.ts"

suite(
  "memory/AnalyticsRepo",
  Layer.mergeAll(AnalyticsRepo.layer, Reports.layer, SiteDirectory.layer()).pipe(Layer.provide(PageViews.layer()))
)
