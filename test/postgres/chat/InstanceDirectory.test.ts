import { Layer } from "effect"
import { layer } from "../../../src/postgres/chat/InstanceDirectory.ts"
import { suite } from "../../suites/InstanceDirectory.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

suite("postgres/chat/InstanceDirectory", Layer.provide(layer(), TestDatabase.layer))
