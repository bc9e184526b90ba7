import { Layer } from "effect"
import * as Goals from "../../../src/analytics/postgres/Goals.ts"
import * as SiteErasure from "../../../src/privacy/postgres/SiteErasure.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import { suite } from "../../suites/Goals.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

suite(
  "analytics/postgres/Goals",
  Layer.mergeAll(Goals.layer, SiteDirectory.layer(), SiteErasure.layer).pipe(Layer.provide(TestClient.layer))
)
