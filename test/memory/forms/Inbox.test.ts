import { Layer } from "effect"
import * as App from "../../../src/App.ts"
import { suite } from "../../suites/Inbox.ts"

suite("memory/forms/Inbox", Layer.fresh(App.memoryStorage))
