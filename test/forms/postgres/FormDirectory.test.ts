import { Layer } from "effect"
import * as FormDirectory from "../../../src/forms/postgres/FormDirectory.ts"
import * as SiteErasure from "../../../src/privacy/postgres/SiteErasure.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import { suite } from "../../suites/FormDirectory.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

suite(
  "forms/postgres/FormDirectory",
  Layer.mergeAll(FormDirectory.layer(), SiteDirectory.layer(), SiteErasure.layer).pipe(Layer.provide(TestClient.layer))
)
