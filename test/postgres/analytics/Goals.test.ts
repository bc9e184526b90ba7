import { Layer } from "effect"
import * as Goals from "../../../src/postgres/analytics/Goals.ts"
import * as SiteDirectory from "../../../src/postgres/sites/SiteDirectory.ts"
import * as SiteErasure from "../../../src/postgres/sites/SiteErasure.ts"
import { suite } from "../../suites/Goals.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

const timeout = "20 seconds"

suite(
  "postgres/analytics/Goals",
  Layer.mergeAll(Goals.layer({ timeout }), SiteDirectory.layer({ timeout }), SiteErasure.layer({ timeout })).pipe(
    Layer.provide(TestDatabase.layer)
  )
)
