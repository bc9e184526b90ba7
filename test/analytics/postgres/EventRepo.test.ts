import { Layer } from "effect"
import * as AnalyticsExport from "../../../src/analytics/postgres/AnalyticsExport.ts"
import * as AnalyticsRepo from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as EventRepo from "../../../src/analytics/postgres/EventRepo.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import { suite, unknownSites } from "../../suites/EventRepo.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const queue = { timeout: "20 seconds", maxQueue: 1_000 } as const

const live = Layer.mergeAll(
  AnalyticsRepo.layer(queue),
  EventRepo.layer(queue),
  AnalyticsExport.layer,
  SiteDirectory.layer()
).pipe(Layer.provide(TestClient.layer))

suite("analytics/postgres/EventRepo", live)
unknownSites("analytics/postgres/EventRepo: batches", live)
