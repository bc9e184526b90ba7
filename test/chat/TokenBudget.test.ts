import { Layer } from "effect"
import * as InstanceDirectory from "../../src/chat/InstanceDirectory.ts"
import { suite } from "../suites/TokenBudget.ts"
import * as MemoryTokenBudget from "../support/MemoryTokenBudget.ts"

suite("support/MemoryTokenBudget", Layer.merge(MemoryTokenBudget.layer, InstanceDirectory.layerMemory()))
