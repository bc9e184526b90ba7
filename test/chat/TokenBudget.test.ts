import { Layer } from "effect"
import * as InstanceDirectory from "../../src/chat/InstanceDirectory.ts"
import { layerMemory } from "../../src/chat/TokenBudget.ts"
import { suite } from "../suites/TokenBudget.ts"

suite("chat/TokenBudget, in memory", Layer.merge(layerMemory, InstanceDirectory.layerMemory()))
