import { Layer } from "effect"
import { layer } from "../../src/postgres/InstanceDirectory.ts"
import { suite } from "../suites/InstanceDirectory.ts"
import * as TestDatabase from "./TestDatabase.ts"

suite("postgres/InstanceDirectory", Layer.provide(layer({ timeout: "20 seconds" }), TestDatabase.layer))
