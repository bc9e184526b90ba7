import { Layer } from "effect"
import * as AnalyticsRepo from "../../src/postgres/AnalyticsRepo.ts"
import * as Reports from "../../src/postgres/Reports.ts"
import * as SiteDirectory from "../../src/postgres/SiteDirectory.ts"
import { suite } from "../suites/Reports.ts"
import * as TestDatabase from "./TestDatabase.ts"

suite(
  "postgres/Reports",
  Layer.mergeAll(
    AnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 10_000 }),
    Reports.layer({ timeout: "20 seconds" }),
    SiteDirectory.layer({ timeout: "20 seconds" })
  ).pipe(Layer.provide(TestDatabase.layer))
)
