/**
 * The tests that every layer of `ConversationStore` must pass.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import type { ConversationKey } from "../../src/chat/conversations/Conversation.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import * as Id from "../../src/platform/Id.ts"
import {
  appendPieces,
  assertLines,
  beginAnswer,
  bounds,
  complete,
  follow,
  newKey,
  storeTurn,
  text
} from "../support/Conversations.ts"
import * as Answers from "./ConversationAnswers.ts"
import * as History from "./ConversationHistory.ts"
import * as Replacements from "./ConversationReplacements.ts"

export const suite = <R, E>(
  name: string,
  layer: Layer.Layer<ConversationStore | InstanceDirectory | R, E>,
  options: Answers.Options<R>
) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    History.suite(it, options.runs)
    Replacements.suite(it)
    Answers.suite(it, options)

    it.effect(
      "a conversation belongs to its instance: no other instance reads, stops, continues, rates or deletes it",
      () =>
        Effect.gen(function* () {
          const store = yield* ConversationStore
          const key = yield* newKey
          const other: ConversationKey = { ...(yield* newKey), conversationId: key.conversationId }
          const answerId = yield* beginAnswer(key, "secret")
          yield* appendPieces(answerId, [[text("answer")]])
          assert.deepStrictEqual(yield* store.history({ key: other, bounds }), [])
          assert.isTrue(Option.isNone(yield* store.read(other)))
          assert.isTrue(Option.isNone(yield* store.running(other)))
          assert.isFalse(yield* store.stop(other))
          assert.isFalse(yield* store.rate({ key: other, messageId: answerId, rating: "up", comment: null }))
          assert.isFalse(yield* store.delete("all", other))
          assert.strictEqual((yield* Effect.flip(beginAnswer(other, null)))._tag, "NothingToRegenerate")
          yield* storeTurn(other, "mine", "own")
          yield* assertLines(other, ["user: mine", "assistant: own (stop)"])
          yield* assertLines(key, ["user: secret", "assistant: answer (null)"])
          assert.deepStrictEqual(yield* store.running(key), Option.some(answerId))
        })
    )

    it.effect("deleting a conversation deletes its answers, and no other conversation", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        const other = { ...key, conversationId: Id.ConversationId.make(randomUUID()) }
        const [answerId, otherId] = [yield* beginAnswer(key, "one"), yield* beginAnswer(other, "two")]
        yield* appendPieces(answerId, [[text("Hel")]])
        assert.isTrue(yield* store.delete("all", key))
        assert.isFalse(yield* store.delete("all", key))
        assert.isTrue(Option.isNone(yield* store.read(key)))
        assert.isTrue(Option.isNone(yield* follow(store, answerId, 0)))
        assert.isFalse(yield* store.append({ answerId, position: 1, events: [text("lo")] }))
        assert.isFalse(yield* complete(answerId, [{ type: "text", text: "Hello" }]))
        assert.deepStrictEqual([...(yield* store.renew([answerId, otherId]))], [otherId])
        assert.isTrue(Option.isNone(yield* store.read(key)))
        yield* assertLines(other, ["user: two", "assistant:  (null)"])
        yield* storeTurn(key, "again", "begun")
        yield* assertLines(key, ["user: again", "assistant: begun (stop)"])
      })
    )

    it.effect("deleting an instance deletes its conversations, and new ones are refused", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const instances = yield* InstanceDirectory
        const key = yield* newKey
        yield* storeTurn(key, "one", "first")
        yield* instances.delete("all", key.instanceId)
        assert.isTrue(Option.isNone(yield* store.read(key)))
        assert.strictEqual((yield* Effect.flip(beginAnswer(key, "two")))._tag, "RecordRefused")
      })
    )

    it.effect("unknown ids find no conversation, and texts that are not ids no answer", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const unknownInstance = Id.InstanceId.make(randomUUID())
        const conversationId = Id.ConversationId.make(randomUUID())
        for (const key of [yield* newKey, { instanceId: unknownInstance, conversationId }]) {
          assert.isTrue(Option.isNone(yield* store.read(key)))
          assert.isTrue(Option.isNone(yield* store.running(key)))
          assert.deepStrictEqual(yield* store.history({ key, bounds }), [])
          assert.isFalse(yield* store.stop(key))
          assert.isFalse(yield* store.delete("all", key))
        }
        const id = Id.MessageId.make(randomUUID())
        assert.isTrue(Option.isNone(yield* follow(store, id, 0)))
        assert.strictEqual((yield* store.renew([id])).size, 0)
        assert.isFalse(yield* store.append({ answerId: id, position: 0, events: [text("a")] }))
        assert.isFalse(yield* complete(id, []))
      })
    )

    it.effect("the hash key has 32 random bytes, and does not change", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* store.hashKey
        const bytes = key.export()
        assert.lengthOf(bytes, 32)
        assert.isAbove(new Set(bytes).size, 10)
        assert.isTrue((yield* store.hashKey).equals(key))
      })
    )
  })
