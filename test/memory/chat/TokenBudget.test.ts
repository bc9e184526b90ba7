import { Layer } from "effect"
import * as InstanceDirectory from "../../../src/memory/chat/InstanceDirectory.ts"
import { layer } from "../../../src/memory/chat/TokenBudget.ts"
import { suite } from "../../suites/TokenBudget.ts"

suite("memory/chat/TokenBudget", Layer.merge(layer, InstanceDirectory.layer()))
