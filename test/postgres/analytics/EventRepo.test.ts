import { Layer } from "effect"
import * as AnalyticsExport from "../../../src/postgres/analytics/AnalyticsExport.ts"
import * as AnalyticsRepo from "../../../src/postgres/analytics/AnalyticsRepo.ts"
import * as EventRepo from "../../../src/postgres/analytics/EventRepo.ts"
import * as SiteDirectory from "../../../src/postgres/sites/SiteDirectory.ts"
import { suite, unknownSites } from "../../suites/EventRepo.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const queue = { timeout: "20 seconds", maxQueue: 1_000 } as const

const live = Layer.mergeAll(
  AnalyticsRepo.layer(queue),
  EventRepo.layer(queue),
  AnalyticsExport.layer,
  SiteDirectory.layer()
).pipe(Layer.provide(TestClient.layer))

suite("postgres/analytics/EventRepo", live)
unknownSites("postgres/analytics/EventRepo: batches", live)
