import { Layer } from "effect"
import * as InstanceDirectory from "../../../src/chat/memory/InstanceDirectory.ts"
import { layer } from "../../../src/chat/memory/TokenBudget.ts"
import { suite } from "../../suites/TokenBudget.ts"

suite("chat/memory/TokenBudget", Layer.merge(layer, InstanceDirectory.layer()))
