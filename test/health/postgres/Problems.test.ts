import { Layer } from "effect"
import { suite } from "../../suites/Problems.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { postgres } from "../../support/Storages.ts"

suite("health/postgres/Problems", Layer.merge(postgres(), TestClient.layer))
