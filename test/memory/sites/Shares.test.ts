import { Layer } from "effect"
import * as App from "../../../src/App.ts"
import { suite } from "../../suites/Shares.ts"

suite("memory/sites/Shares", Layer.fresh(App.memoryStorage))
