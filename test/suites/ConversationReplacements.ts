/**
 * The tests of `ConversationStore` about messages and answers that replace others.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Option } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import type { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { MessageId } from "../../src/platform/Id.ts"
import {
  appendPieces,
  assertLines,
  beginAnswer,
  complete,
  follow,
  newKey,
  storeTurn,
  text
} from "../support/Conversations.ts"

export const suite = <R>(it: Vitest.MethodsNonLive<ConversationStore | InstanceDirectory | R>) => {
  it.effect("a regenerated answer replaces the last answer, even a running one", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      assert.strictEqual((yield* Effect.flip(beginAnswer(key, null)))._tag, "NothingToRegenerate")
      assert.isTrue(Option.isNone(yield* store.read(key)))
      yield* storeTurn(key, "one", "first")
      const replaced = yield* storeTurn(key, "two", "second")
      const running = yield* beginAnswer(key, null)
      assert.isTrue(Option.isNone(yield* follow(store, replaced, 0)))
      yield* appendPieces(running, [[text("not this")]])
      const last = yield* beginAnswer(key, null)
      assert.isFalse(yield* complete(running, [{ type: "text", text: "not this" }]))
      assert.isTrue(yield* complete(last, [{ type: "text", text: "third" }]))
      yield* assertLines(key, ["user: one", "assistant: first (stop)", "user: two", "assistant: third (stop)"])
    })
  )

  it.effect("a regenerated answer to an earlier message replaces everything after the message", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      yield* storeTurn(key, "one", "first")
      yield* storeTurn(key, "two", "second")
      const running = yield* beginAnswer(key, "three")
      const before = Option.getOrElse(yield* store.read(key), () => [])
      const regenerate = Effect.fnUntraced(function* (from: MessageId | undefined) {
        const answerId = MessageId.make(randomUUID())
        yield* store.begin({ key, answerId, from, message: null })
        assert.isTrue(yield* complete(answerId, [{ type: "text", text: "Again" }]))
      })
      yield* regenerate(before[2]?.messageId)
      assert.isFalse(yield* complete(running, [{ type: "text", text: "not this" }]))
      yield* assertLines(key, ["user: one", "assistant: first (stop)", "user: two", "assistant: Again (stop)"])
      const after = Option.getOrElse(yield* store.read(key), () => [])
      assert.deepStrictEqual(after.slice(0, 3), before.slice(0, 3))
      // The id of an answer and an unknown id select the last message.
      for (const from of [before[1]?.messageId, before[4]?.messageId, MessageId.make(randomUUID())]) {
        yield* regenerate(from)
        yield* assertLines(key, ["user: one", "assistant: first (stop)", "user: two", "assistant: Again (stop)"])
      }
    })
  )

  it.effect("new messages and replacements have the ids that their client gave them", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const idsOf = Effect.map(store.read(key), (messages) =>
        Option.getOrElse(messages, () => []).flatMap((message) =>
          message.role === "user" ? [[AnswerParts.textOf(message.parts), message.clientId]] : []
        )
      )
      const begin = (text: string, clientId: string | undefined, from?: MessageId) =>
        store.begin({
          key,
          answerId: MessageId.make(randomUUID()),
          from,
          message: { messageId: MessageId.make(randomUUID()), text, ...(clientId === undefined ? {} : { clientId }) }
        })
      yield* begin("one", "a")
      yield* begin("two", undefined)
      yield* begin("three", "a")
      assert.deepStrictEqual(yield* idsOf, [
        ["one", "a"],
        ["two", undefined],
        ["three", "a"]
      ])
      const [, , two] = Option.getOrElse(yield* store.read(key), () => [])
      yield* begin("two, edited", "!~", two?.messageId)
      assert.deepStrictEqual(yield* idsOf, [
        ["one", "a"],
        ["two, edited", "!~"]
      ])
    })
  )

  it.effect("a message replaces an earlier message of the visitor and everything after it, even a running answer", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      yield* storeTurn(key, "one", "first")
      yield* storeTurn(key, "two", "second")
      const running = yield* beginAnswer(key, "three")
      const [one, answer, two] = Option.getOrElse(yield* store.read(key), () => [])
      const replace = Effect.fnUntraced(function* (from: MessageId | undefined, text: string) {
        const answerId = MessageId.make(randomUUID())
        yield* store.begin({ key, answerId, from, message: { messageId: MessageId.make(randomUUID()), text } })
        assert.isTrue(yield* complete(answerId, [{ type: "text", text: "Again" }]))
      })
      yield* replace(two?.messageId, "two, edited")
      assert.isFalse(yield* complete(running, [{ type: "text", text: "not this" }]))
      yield* assertLines(key, ["user: one", "assistant: first (stop)", "user: two, edited", "assistant: Again (stop)"])
      // The ids of a replaced message and of an answer select no message to replace, so these messages are added.
      const added = yield* beginAnswer(key, "three")
      yield* replace(two?.messageId, "four")
      yield* replace(answer?.messageId, "five")
      assert.isTrue(Option.isSome(yield* follow(store, added, 0)))
      assert.lengthOf(Option.getOrThrow(yield* store.read(key)), 10)
      yield* replace(one?.messageId, "one, edited")
      yield* assertLines(key, ["user: one, edited", "assistant: Again (stop)"])
    })
  )
}
