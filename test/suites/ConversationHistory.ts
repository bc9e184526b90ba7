/**
 * The part of the conversation store's suite that tests messages and their answers.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as AnswerParts from "../../src/core/chat/conversation/AnswerParts.ts"
import { endings, maxMessages, maxSize } from "../../src/core/chat/conversation/Conversation.ts"
import * as History from "../../src/core/chat/conversation/History.ts"
import { ConversationStore, type EndedAnswer } from "../../src/services/chat/ConversationStore.ts"
import type { InstanceDirectory } from "../../src/services/chat/InstanceDirectory.ts"
import { bounds, complete, Event, exchange, follow, newKey, Pieces, say, tell, text } from "../support/Conversations.ts"

const Said = Schema.Literals(["a", "bb", "long ".repeat(20), "\u0000", "\ud800"])

/** `runs`: how many times each property is tried. */
export const suite = <R>(it: Vitest.MethodsNonLive<ConversationStore | InstanceDirectory | R>, runs: number) => {
  it.effect.prop(
    "messages and answers are read completely and in their order",
    {
      turns: Schema.Array(
        Schema.Tuple([Said, Schema.Array(Event).check(Schema.isMaxLength(6)), Schema.Literals(endings)])
      ).check(Schema.isMaxLength(4))
    },
    ({ turns }) =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        assert.isTrue(Option.isNone(yield* store.read(key)))
        const expected: Array<unknown> = []
        for (const [said, events, ending] of turns) {
          const answerId = yield* say(key, said)
          const parts = AnswerParts.fromEvents(events)
          const usage = { inputTokens: 1, outputTokens: 2 }
          assert.isTrue(yield* store.complete({ answerId, parts, ending, usage }))
          expected.push({ role: "user", parts: [{ type: "text", text: said }] }, { role: "assistant", parts, ending })
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
        assert.deepStrictEqual(
          yield* store.history({ key, bounds, isRegenerating: false }),
          History.toModelMessages(found)
        )
      }),
    { arbitrary: { runs } }
  )

  it.effect.prop(
    "the history is what `History.newest` selects",
    {
      turns: Schema.Array(Schema.Tuple([Said, Schema.Union([Said, Schema.Literal("")])])).check(Schema.isMaxLength(4)),
      messages: Schema.Literals([1, 2, 3, 4, 40]),
      characters: Schema.Literals([1, 10, 101, 202, 60_000]),
      isRegenerating: Schema.Boolean
    },
    ({ characters, isRegenerating, messages, turns }) =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        for (const [said, answered] of turns) {
          const answerId = yield* say(key, said)
          yield* complete(answerId, answered === "" ? [] : [{ type: "text", text: answered }])
        }
        const all = History.toModelMessages(Option.getOrElse(yield* store.read(key), () => []))
        const bounds = { messages, characters }
        assert.deepStrictEqual(
          yield* store.history({ key, bounds, isRegenerating }),
          History.newest(isRegenerating ? History.beforeAnswer(all) : all, bounds)
        )
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
        const first = yield* say(key, "one")
        yield* tell(first, pieces)
        const said = AnswerParts.fromEvents(pieces.flat())
        const messages = History.toModelMessages([
          { role: "user", parts: [{ type: "text", text: "one" }] },
          { role: "assistant", parts: said }
        ])
        assert.deepStrictEqual(yield* store.history({ key, bounds, isRegenerating: false }), messages)
        assert.deepStrictEqual(yield* store.running(key), Option.some(first))
        const second = yield* say(key, "two")
        assert.deepStrictEqual(yield* store.running(key), Option.some(second))
        assert.isFalse(yield* store.append({ answerId: first, position: 100, events: [text("late")] }))
        assert.deepStrictEqual([...(yield* store.renew([first, second, randomUUID()]))], [second])
        const found = Option.getOrElse(yield* store.read(key), () => [])
        assert.deepInclude(found[1], { messageId: first, parts: said, ending: "superseded" })
        assert.deepInclude(found[3], { messageId: second, parts: [], ending: null })
        assert.deepStrictEqual(
          Option.map(yield* follow(store, first, 0), ({ ended }) => ended),
          Option.some<EndedAnswer | null>({ parts: said, ending: "superseded" })
        )
      }),
    { arbitrary: { runs } }
  )

  it.effect("concurrent messages are all stored, each followed by its answer, and only the last answer runs", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`)
      const answers = yield* Effect.forEach(texts, (said) => say(key, said), { concurrency: "unbounded" })
      const found = Option.getOrElse(yield* store.read(key), () => [])
      assert.deepStrictEqual(
        found.flatMap((message) => (message.role === "user" ? [AnswerParts.textOf(message.parts)] : [])).sort(),
        [...texts].sort()
      )
      assert.deepStrictEqual(
        found.map(({ role }) => role),
        texts.flatMap(() => ["user", "assistant"])
      )
      const runs = found.filter((message) => message.role === "assistant" && message.ending === null)
      assert.deepStrictEqual(runs, found.slice(-1))
      assert.deepStrictEqual([...(yield* store.renew(answers))], [runs[0]?.messageId])
    })
  )

  it.effect("the message after an answer is found, only in its conversation", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const first = yield* exchange(key, "one", "first")
      const second = yield* exchange(key, "two", "second")
      const found = Option.getOrElse(yield* store.read(key), () => [])
      assert.deepStrictEqual(yield* store.messageAfter(key, first), Option.some(found[2]?.messageId))
      for (const wrong of [second, found[0]?.messageId ?? "", randomUUID(), "x"]) {
        assert.isTrue(Option.isNone(yield* store.messageAfter(key, wrong)))
      }
      assert.isTrue(Option.isNone(yield* store.messageAfter({ ...key, conversationId: randomUUID() }, first)))
    })
  )

  it.effect("a full conversation refuses further messages and does not change", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const long = yield* newKey
      yield* exchange(long, "x".repeat(maxSize - 3), "123")
      assert.strictEqual((yield* Effect.flip(say(long, "4")))._tag, "ConversationFull")
      assert.lengthOf(
        Option.getOrElse(yield* store.read(long), () => []),
        2
      )
      // Replacing the answer makes room.
      yield* say(long, null)

      const many = yield* newKey
      for (let count = 0; count < maxMessages - 2; count += 2) yield* say(many, "a")
      const running = yield* say(many, "b")
      assert.strictEqual((yield* Effect.flip(say(many, "c")))._tag, "ConversationFull")
      assert.deepStrictEqual(yield* store.running(many), Option.some(running))
      const last = yield* say(many, null)
      assert.deepStrictEqual(yield* store.running(many), Option.some(last))
    })
  )
}
