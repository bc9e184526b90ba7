import { Layer } from "effect"
import * as InstanceDirectory from "../../../src/memory/chat/InstanceDirectory.ts"
import * as WidgetTokens from "../../../src/memory/chat/WidgetTokens.ts"
import { suite } from "../../suites/WidgetTokens.ts"

suite("memory/chat/WidgetTokens", Layer.provideMerge(WidgetTokens.layer, InstanceDirectory.layer()))
