import { Layer } from "effect"
import * as App from "../../../src/App.ts"
import { suite } from "../../suites/ConsoleSessions.ts"

suite("memory/sites/ConsoleSessions", Layer.fresh(App.memoryStorage))
