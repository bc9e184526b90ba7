import { Layer } from "effect"
import * as InstanceDirectory from "../../../src/chat/memory/InstanceDirectory.ts"
import * as WidgetTokens from "../../../src/chat/memory/WidgetTokens.ts"
import { suite } from "../../suites/WidgetTokens.ts"

suite("chat/memory/WidgetTokens", Layer.provideMerge(WidgetTokens.layer, InstanceDirectory.layer()))
