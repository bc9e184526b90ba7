import { Layer } from "effect"
import * as InstanceDirectory from "../../src/chat/InstanceDirectory.ts"
import { layerMemory } from "../../src/chat/WidgetTokens.ts"
import { suite } from "../suites/WidgetTokens.ts"

suite("chat/WidgetTokens", Layer.provideMerge(layerMemory, InstanceDirectory.layerMemory()))
