import { Layer } from "effect"
import * as FormDirectory from "../../../src/postgres/forms/FormDirectory.ts"
import * as SiteDirectory from "../../../src/postgres/sites/SiteDirectory.ts"
import * as SiteErasure from "../../../src/postgres/sites/SiteErasure.ts"
import { suite } from "../../suites/FormDirectory.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

const timeout = "20 seconds"

suite(
  "postgres/forms/FormDirectory",
  Layer.mergeAll(
    FormDirectory.layer({ timeout }),
    SiteDirectory.layer({ timeout }),
    SiteErasure.layer({ timeout })
  ).pipe(Layer.provide(TestDatabase.layer))
)
