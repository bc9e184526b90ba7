import { Layer } from "effect"
import * as App from "../../../src/App.ts"
import { suite } from "../../suites/OwnerKeys.ts"

suite("memory/sites/OwnerKeys", Layer.fresh(App.memoryStorage))
