import { Layer } from "effect"
import * as App from "../../../src/App.ts"
import { suite } from "../../suites/SiteActivity.ts"

suite("memory/analytics/SiteActivity", Layer.fresh(App.memoryStorage))
