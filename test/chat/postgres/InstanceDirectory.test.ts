import { Layer } from "effect"
import { layer } from "../../../src/chat/postgres/InstanceDirectory.ts"
import { suite } from "../../suites/InstanceDirectory.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

suite("chat/postgres/InstanceDirectory", Layer.provide(layer(), TestClient.layer))
