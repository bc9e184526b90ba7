import { randomUUID } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option } from "effect"
import { ConversationStore as Service } from "../../src/chat/ConversationStore.ts"
import * as InstanceDirectory from "../../src/chat/InstanceDirectory.ts"
import * as ConversationStore from "../../src/chat/MemoryConversationStore.ts"
import * as Id from "../../src/platform/Id.ts"
import { suite } from "../suites/ConversationStore.ts"
import { at } from "../suites/VisitorSalts.ts"
import { beginAnswer, newKey } from "../support/Conversations.ts"

const layerWith = (options?: Parameters<typeof ConversationStore.layer>[0]) =>
  Layer.provideMerge(ConversationStore.layer(options), InstanceDirectory.layerMemory())

suite("chat/MemoryConversationStore", layerWith(), {
  afterTenSeconds: (effect) => Effect.flatMap(Clock.currentTimeMillis, (now) => at(now + 10_000)(effect)),
  runs: 100
})

it.effect("chat/MemoryConversationStore: beyond a limit, evicts the conversations that were idle longest", () =>
  Effect.gen(function* () {
    const store = yield* Service
    const { instanceId } = yield* newKey
    const keys = Array.from({ length: 5 }, () => ({ instanceId, conversationId: Id.ConversationId.make(randomUUID()) }))
    const areStored = Effect.map(Effect.forEach(keys, store.read), (found) => found.map(Option.isSome))
    for (const key of keys.slice(0, 3)) yield* beginAnswer(key, "12345")
    yield* beginAnswer(keys[0]!, "12345")
    yield* beginAnswer(keys[3]!, "12345")
    assert.deepStrictEqual(yield* areStored, [true, false, true, true, false])
    yield* beginAnswer(keys[4]!, "x".repeat(15))
    assert.deepStrictEqual(yield* areStored, [false, false, false, true, true])
    // A conversation that is larger than the limit is stored, and all others are evicted.
    yield* beginAnswer(keys[1]!, "x".repeat(30))
    assert.deepStrictEqual(yield* areStored, [false, true, false, false, false])
  }).pipe(Effect.provide(layerWith({ maxConversations: 3, maxSize: 20 })))
)
