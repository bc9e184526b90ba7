import { Layer } from "effect"
import { layer } from "../../../src/postgres/chat/InstanceDirectory.ts"
import { suite } from "../../suites/InstanceDirectory.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

suite("postgres/chat/InstanceDirectory", Layer.provide(layer(), TestClient.layer))
