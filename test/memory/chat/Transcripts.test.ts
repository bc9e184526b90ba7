import { Layer } from "effect"
import * as App from "../../../src/App.ts"
import { suite } from "../../suites/Transcripts.ts"

suite("memory/chat/Transcripts", Layer.fresh(App.memoryStorage))
