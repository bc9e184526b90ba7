/**
 * The tests of `ConversationStore` about messages, their answers and the history.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { ConversationStore, type EndedAnswer } from "../../src/chat/ConversationStore.ts"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import { AnswerEnding, maxMessages, maxSize } from "../../src/chat/conversations/Conversation.ts"
import * as History from "../../src/chat/conversations/History.ts"
import type { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import * as Id from "../../src/platform/Id.ts"
import {
  appendPieces,
  beginAnswer,
  bounds,
  complete,
  Event,
  follow,
  newKey,
  Pieces,
  storeTurn,
  text
} from "../support/Conversations.ts"

const Question = Schema.Literals(["a", "bb", "long ".repeat(20), "\u0000", "\ud800"])

/** `runs` is the number of runs of each property. */
export const suite = <R>(it: Vitest.MethodsNonLive<ConversationStore | InstanceDirectory | R>, runs: number) => {
  it.effect.prop(
    "messages and answers are read unchanged and in order",
    {
      turns: Schema.Array(
        Schema.Tuple([Question, Schema.Array(Event).check(Schema.isMaxLength(6)), AnswerEnding])
      ).check(Schema.isMaxLength(4))
    },
    ({ turns }) =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        assert.isTrue(Option.isNone(yield* store.read(key)))
        const expected: Array<unknown> = []
        for (const [question, events, ending] of turns) {
          const answerId = yield* beginAnswer(key, question)
          const parts = AnswerParts.fromEvents(events)
          const usage = { inputTokens: 1, outputTokens: 2 }
          assert.isTrue(yield* store.complete({ answerId, parts, ending, usage }))
          expected.push(
            { role: "user", parts: [{ type: "text", text: question }] },
            { role: "assistant", parts, ending }
          )
        }
        const found = Option.getOrElse(yield* store.read(key), () => [])
        assert.deepStrictEqual(
          found.map((message) =>
            message.role === "user"
              ? { role: message.role, parts: message.parts }
              : { role: message.role, parts: message.parts, ending: message.ending }
          ),
          expected
        )
        assert.strictEqual(new Set(found.map(({ messageId }) => messageId)).size, found.length)
        assert.deepStrictEqual(yield* store.history({ key, bounds }), History.toModelMessages(found))
      }),
    { arbitrary: { runs } }
  )

  it.effect.prop(
    "the history is what `History.newest` selects",
    {
      turns: Schema.Array(Schema.Tuple([Question, Schema.Union([Question, Schema.Literal("")])])).check(
        Schema.isMaxLength(4)
      ),
      messages: Schema.Literals([1, 2, 3, 4, 40]),
      characters: Schema.Literals([1, 10, 101, 202, 60_000])
    },
    ({ characters, messages, turns }) =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        for (const [question, answer] of turns) {
          const answerId = yield* beginAnswer(key, question)
          yield* complete(answerId, answer === "" ? [] : [{ type: "text", text: answer }])
        }
        const all = History.toModelMessages(Option.getOrElse(yield* store.read(key), () => []))
        const bounds = { messages, characters }
        assert.deepStrictEqual(yield* store.history({ key, bounds }), History.newest(all, bounds))
      }),
    { arbitrary: { runs } }
  )

  it.effect.prop(
    "a new message ends a running answer as superseded, with the stored text, and begins another answer",
    { pieces: Pieces },
    ({ pieces }) =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        const first = yield* beginAnswer(key, "one")
        yield* appendPieces(first, pieces)
        const parts = AnswerParts.fromEvents(pieces.flat())
        const messages = History.toModelMessages([
          { role: "user", parts: [{ type: "text", text: "one" }] },
          { role: "assistant", parts }
        ])
        assert.deepStrictEqual(yield* store.history({ key, bounds }), messages)
        assert.deepStrictEqual(yield* store.running(key), Option.some(first))
        const second = yield* beginAnswer(key, "two")
        assert.deepStrictEqual(yield* store.running(key), Option.some(second))
        assert.isFalse(yield* store.append({ answerId: first, position: 100, events: [text("late")] }))
        assert.deepStrictEqual([...(yield* store.renew([first, second, Id.MessageId.make(randomUUID())]))], [second])
        const found = Option.getOrElse(yield* store.read(key), () => [])
        assert.deepInclude(found[1], { messageId: first, parts, ending: "superseded" })
        assert.deepInclude(found[3], { messageId: second, parts: [], ending: null })
        assert.deepStrictEqual(
          Option.map(yield* follow(store, first, 0), ({ ended }) => ended),
          Option.some<EndedAnswer | null>({ parts, ending: "superseded" })
        )
      }),
    { arbitrary: { runs } }
  )

  it.effect("concurrent messages are all stored, each followed by its answer, and only the last answer runs", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`)
      const answers = yield* Effect.forEach(texts, (question) => beginAnswer(key, question), {
        concurrency: "unbounded"
      })
      const found = Option.getOrElse(yield* store.read(key), () => [])
      assert.deepStrictEqual(
        found.flatMap((message) => (message.role === "user" ? [AnswerParts.textOf(message.parts)] : [])).sort(),
        [...texts].sort()
      )
      assert.deepStrictEqual(
        found.map(({ role }) => role),
        texts.flatMap(() => ["user", "assistant"])
      )
      const running = found.filter((message) => message.role === "assistant" && message.ending === null)
      assert.deepStrictEqual(running, found.slice(-1))
      assert.deepStrictEqual([...(yield* store.renew(answers))], [running[0]?.messageId])
    })
  )

  it.effect("finds the message after an answer, and only in its conversation", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const first = yield* storeTurn(key, "one", "first")
      const second = yield* storeTurn(key, "two", "second")
      const found = Option.getOrElse(yield* store.read(key), () => [])
      assert.deepStrictEqual(yield* store.messageAfter(key, first), Option.some(found[2]?.messageId))
      for (const wrong of [second, found[0]?.messageId ?? first, Id.MessageId.make(randomUUID())]) {
        assert.isTrue(Option.isNone(yield* store.messageAfter(key, wrong)))
      }
      assert.isTrue(
        Option.isNone(
          yield* store.messageAfter({ ...key, conversationId: Id.ConversationId.make(randomUUID()) }, first)
        )
      )
    })
  )

  it.effect("a full conversation refuses further messages and does not change", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const long = yield* newKey
      yield* storeTurn(long, "x".repeat(maxSize - 3), "123")
      assert.strictEqual((yield* Effect.flip(beginAnswer(long, "4")))._tag, "ConversationFull")
      assert.lengthOf(
        Option.getOrElse(yield* store.read(long), () => []),
        2
      )
      // Another answer to the last message replaces the stored one, so it is possible.
      yield* beginAnswer(long, null)

      const many = yield* newKey
      for (let count = 0; count < maxMessages - 2; count += 2) yield* beginAnswer(many, "a")
      const running = yield* beginAnswer(many, "b")
      assert.strictEqual((yield* Effect.flip(beginAnswer(many, "c")))._tag, "ConversationFull")
      assert.deepStrictEqual(yield* store.running(many), Option.some(running))
      const last = yield* beginAnswer(many, null)
      assert.deepStrictEqual(yield* store.running(many), Option.some(last))
    })
  )
}
