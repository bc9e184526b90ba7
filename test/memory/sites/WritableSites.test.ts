import { Layer } from "effect"
import * as App from "../../../src/App.ts"
import * as WritableSites from "../../../src/memory/sites/WritableSites.ts"
import { suite } from "../../suites/WritableSites.ts"

suite("memory/sites/WritableSites", WritableSites.layer.pipe(Layer.provideMerge(Layer.fresh(App.memoryStorage))))
