import { Clock, Effect, Layer } from "effect"
import * as InstanceDirectory from "../../src/chat/InstanceDirectory.ts"
import { suite } from "../suites/ConversationStore.ts"
import { at } from "../suites/VisitorSalts.ts"
import * as MemoryConversationStore from "../support/MemoryConversationStore.ts"

suite(
  "support/MemoryConversationStore",
  Layer.provideMerge(MemoryConversationStore.layer, InstanceDirectory.layerMemory()),
  {
    afterTenSeconds: (effect) => Effect.flatMap(Clock.currentTimeMillis, (now) => at(now + 10_000)(effect)),
    runs: 100
  }
)
