import { Layer } from "effect"
import * as InstanceDirectory from "../../src/memory/InstanceDirectory.ts"
import * as WidgetTokens from "../../src/memory/WidgetTokens.ts"
import { suite } from "../suites/WidgetTokens.ts"

suite("memory/WidgetTokens", Layer.provideMerge(WidgetTokens.layer, InstanceDirectory.layer()))
