import { Layer } from "effect"
import * as AnalyticsRepo from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import { suite, unknownSites } from "../../suites/AnalyticsRepoEvents.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const queue = { timeout: "20 seconds", maxQueue: 1_000 } as const

const live = Layer.mergeAll(AnalyticsRepo.layer(queue), SiteDirectory.layer()).pipe(Layer.provide(TestClient.layer))

suite("analytics/postgres/AnalyticsRepo: events", live)
unknownSites("analytics/postgres/AnalyticsRepo: batches of events", live)
