/**
 * What every store of conversations keeps, as a suite that runs on any layer.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option, Schema, Stream } from "effect"
import type { AgentEvent } from "../../src/core/chat/Agent.ts"
import * as AnswerParts from "../../src/core/chat/AnswerParts.ts"
import {
  type ConversationKey,
  endings,
  type MessagePart,
  maxMessages,
  maxSize
} from "../../src/core/chat/Conversation.ts"
import * as History from "../../src/core/chat/History.ts"
import { ConversationStore, type EndedAnswer } from "../../src/services/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/services/chat/InstanceDirectory.ts"
import { at } from "./VisitorSalts.ts"

/** Texts that a careless store changes. */
const Delta = Schema.Literals(["a", "Hello ", "\u0000", "\ud800", "\ud83d", "\ude00", '"\\', "日本", "\u2028\n", ""])

export const Event: Schema.Codec<AgentEvent> = Schema.Union([
  Schema.TaggedStruct("Accepted", {}),
  Schema.TaggedStruct("Text", { delta: Delta }),
  Schema.TaggedStruct("Refusal", { delta: Delta }),
  Schema.TaggedStruct("Reasoning", { delta: Delta }),
  Schema.TaggedStruct("Source", {
    url: Schema.Literals(["https://a.example/", "https://b.example/?q=\u0000", ""]),
    title: Schema.NullOr(Delta)
  }),
  Schema.TaggedStruct("Tool", {
    id: Schema.Literal("t"),
    name: Schema.Literal("search"),
    state: Schema.Literals(["running", "done"])
  }),
  Schema.TaggedStruct("Usage", { inputTokens: Schema.Literal(1), outputTokens: Schema.Literal(2) }),
  Schema.TaggedStruct("Finish", { reason: Schema.Literals(["stop", "length", "other"]) })
])

const Pieces = Schema.Array(Schema.Array(Event).check(Schema.isMaxLength(5))).check(Schema.isMaxLength(4))

const text = (delta: string): AgentEvent => ({ _tag: "Text", delta })

const bounds: History.Bounds = { messages: 1_000, characters: 1_000_000 }

/** A conversation that does not exist yet, of an instance that does. */
export const newKey = InstanceDirectory.use((instances) =>
  Effect.map(
    instances.create({ name: "a", agentUrl: "https://a.example" }),
    ({ instanceId }): ConversationKey => ({
      instanceId,
      conversationId: randomUUID()
    })
  )
)

/** Says something in a conversation, and gives the id of the answer that begins. */
export const say = Effect.fnUntraced(function* (key: ConversationKey, said: string | null) {
  const store = yield* ConversationStore
  const answerId = randomUUID()
  yield* store.begin({ key, answerId, message: said === null ? null : { messageId: randomUUID(), text: said } })
  return answerId
})

/** Follows one answer; none if it does not exist. */
export const follow = (store: ConversationStore["Service"], answerId: string, position: number) =>
  Effect.map(store.follow([{ answerId, position }]), (found) => Option.fromUndefinedOr(found.get(answerId)))

/** Stores these events of an answer, each list as one piece. */
const tell = Effect.fnUntraced(function* (answerId: string, pieces: ReadonlyArray<ReadonlyArray<AgentEvent>>) {
  const store = yield* ConversationStore
  let position = 0
  for (const events of pieces) {
    if (events.length === 0) continue
    assert.isTrue(yield* store.append({ answerId, position, events }))
    position += events.length
  }
})

const complete = (answerId: string, parts: ReadonlyArray<MessagePart>, ending: "stop" | "failed" = "stop") =>
  ConversationStore.use((store) => store.complete({ answerId, parts, ending, usage: null }))

/** A message and its whole answer. */
const exchange = Effect.fnUntraced(function* (key: ConversationKey, said: string, answered: string) {
  const answerId = yield* say(key, said)
  assert.isTrue(yield* complete(answerId, [{ type: "text", text: answered }]))
  return answerId
})

/** The messages of a conversation, as `role: text (ending)`. */
const linesOf = (key: ConversationKey) =>
  ConversationStore.use((store) =>
    Effect.map(
      store.read(key),
      Option.map((messages) =>
        messages.map((message) =>
          message.role === "user"
            ? `user: ${AnswerParts.textOf(message.parts)}`
            : `assistant: ${AnswerParts.textOf(message.parts)} (${message.ending})`
        )
      )
    )
  )

const assertLines = (key: ConversationKey, lines: ReadonlyArray<string>) =>
  Effect.map(linesOf(key), (found) => assert.deepStrictEqual(found, Option.some([...lines])))

const Said = Schema.Literals(["a", "bb", "long ".repeat(20), "\u0000", "\ud800"])

export interface Options<R> {
  /** Runs an effect as if ten seconds had passed in which no lease was extended. */
  readonly later: <A, E, R2>(effect: Effect.Effect<A, E, R2>) => Effect.Effect<A, E, R2 | R>
  /** How often each property is tried. */
  readonly runs: number
}

export const suite = <R, E>(
  name: string,
  layer: Layer.Layer<ConversationStore | InstanceDirectory | R, E>,
  { later, runs }: Options<R>
) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect.prop(
      "messages and answers read in the order in which they came, whole",
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
          assert.deepStrictEqual(yield* store.history({ key, bounds, isRegenerating: false }), History.turnsOf(found))
        }),
      { arbitrary: { runs } }
    )

    it.effect.prop(
      "the history is what `newest` keeps of the turns",
      {
        turns: Schema.Array(Schema.Tuple([Said, Schema.Union([Said, Schema.Literal("")])])).check(
          Schema.isMaxLength(4)
        ),
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
          const all = History.turnsOf(Option.getOrElse(yield* store.read(key), () => []))
          const bounds = { messages, characters }
          assert.deepStrictEqual(
            yield* store.history({ key, bounds, isRegenerating }),
            History.newest(isRegenerating ? History.beforeAnswer(all) : all, bounds)
          )
        }),
      { arbitrary: { runs } }
    )

    it.effect.prop(
      "a message ends the answer that runs as superseded, with what was stored of it, and is answered itself",
      { pieces: Pieces },
      ({ pieces }) =>
        Effect.gen(function* () {
          const store = yield* ConversationStore
          const key = yield* newKey
          const first = yield* say(key, "one")
          yield* tell(first, pieces)
          const said = AnswerParts.fromEvents(pieces.flat())
          const turns = History.turnsOf([
            { role: "user", parts: [{ type: "text", text: "one" }] },
            { role: "assistant", parts: said }
          ])
          assert.deepStrictEqual(yield* store.history({ key, bounds, isRegenerating: false }), turns)
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

    it.effect("many concurrent messages are all stored, in one order, and only one answer runs", () =>
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

    it.effect("another answer replaces the last one, also one that runs, and is asked with the turns before it", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        assert.strictEqual((yield* Effect.flip(say(key, null)))._tag, "NothingToRegenerate")
        assert.isTrue(Option.isNone(yield* store.read(key)))
        yield* exchange(key, "one", "first")
        const replaced = yield* exchange(key, "two", "second")
        const turns = [
          { role: "user", text: "one" },
          { role: "assistant", text: "first" },
          { role: "user", text: "two" }
        ] as const
        assert.deepStrictEqual(yield* store.history({ key, bounds, isRegenerating: true }), turns)
        const running = yield* say(key, null)
        assert.isTrue(Option.isNone(yield* follow(store, replaced, 0)))
        yield* tell(running, [[text("not this")]])
        assert.deepStrictEqual(yield* store.history({ key, bounds, isRegenerating: true }), turns)
        const last = yield* say(key, null)
        assert.isFalse(yield* complete(running, [{ type: "text", text: "not this" }]))
        assert.isTrue(yield* complete(last, [{ type: "text", text: "third" }]))
        yield* assertLines(key, ["user: one", "assistant: first (stop)", "user: two", "assistant: third (stop)"])
        const [summary] = yield* store.list({ instanceId: key.instanceId, limit: 2, before: null })
        assert.strictEqual(summary?.messages, 4)
      })
    )

    it.effect("a message replaces an earlier one of the visitor and what followed it, an answer that runs too", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        yield* exchange(key, "one", "first")
        yield* exchange(key, "two", "second")
        const running = yield* say(key, "three")
        const [one, answer, two] = Option.getOrElse(yield* store.read(key), () => [])
        const replace = Effect.fnUntraced(function* (from: string | undefined, said: string) {
          const answerId = randomUUID()
          yield* store.begin({ key, answerId, from, message: { messageId: randomUUID(), text: said } })
          assert.isTrue(yield* complete(answerId, [{ type: "text", text: "Again" }]))
        })
        yield* replace(two?.messageId, "two, edited")
        assert.isFalse(yield* complete(running, [{ type: "text", text: "not this" }]))
        yield* assertLines(key, [
          "user: one",
          "assistant: first (stop)",
          "user: two, edited",
          "assistant: Again (stop)"
        ])
        // Neither is a message of the visitor's in this conversation.
        const left = yield* say(key, "three")
        yield* replace(two?.messageId, "four")
        yield* replace(answer?.messageId, "five")
        assert.isTrue(Option.isSome(yield* follow(store, left, 0)))
        const [{ messages } = { messages: 0 }] = yield* store.list({
          instanceId: key.instanceId,
          limit: 1,
          before: null
        })
        assert.strictEqual(messages, 10)
        yield* replace(one?.messageId, "one, edited")
        yield* assertLines(key, ["user: one, edited", "assistant: Again (stop)"])
      })
    )

    it.effect.prop(
      "a reader that follows an answer piece by piece has all of it at its end",
      { pieces: Pieces, rest: Schema.Array(Event).check(Schema.isMaxLength(5)) },
      ({ pieces, rest }) =>
        Effect.gen(function* () {
          const store = yield* ConversationStore
          const answerId = yield* say(yield* newKey, "one")
          const followed = (position: number) => Effect.flatMap(follow(store, answerId, position), Effect.fromOption)
          let had = AnswerParts.none
          let position = 0
          let stored = 0
          for (const events of pieces) {
            if (events.length > 0) assert.isTrue(yield* store.append({ answerId, position: stored, events }))
            stored += events.length
            const progress = yield* followed(position)
            assert.deepStrictEqual(progress, { events, next: position + events.length, ended: null })
            had = AnswerParts.addAll(had, progress.events)
            position = progress.next
          }
          assert.deepStrictEqual((yield* followed(0)).events, pieces.flat())
          const all = AnswerParts.fromEvents([...pieces.flat(), ...rest])
          assert.isTrue(yield* complete(answerId, all))
          const { ended, events } = yield* followed(position)
          assert.deepStrictEqual(events, [])
          assert.deepStrictEqual(ended, { ending: "stop", parts: all })
          assert.deepStrictEqual(AnswerParts.addAll(had, AnswerParts.missing(had, ended?.parts ?? [])).parts, all)
        }),
      { arbitrary: { runs } }
    )

    it.effect("the first ending stays, and an answer that another process ended keeps the longer text", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        const first = yield* exchange(key, "one", "whole")
        assert.isFalse(yield* complete(first, [{ type: "text", text: "something longer" }], "failed"))
        assert.isFalse(yield* store.stop(key))
        const second = yield* say(key, "two")
        yield* tell(second, [[text("Hel")]])
        assert.isTrue(yield* store.stop(key))
        assert.isFalse(yield* store.stop(key))
        assert.isTrue(Option.isNone(yield* store.running(key)))
        assert.isFalse(yield* complete(second, [{ type: "text", text: "Hello" }]))
        assert.isFalse(yield* complete(second, [{ type: "text", text: "H" }]))
        yield* assertLines(key, ["user: one", "assistant: whole (stop)", "user: two", "assistant: Hello (stopped)"])
        assert.isFalse(yield* complete(randomUUID(), []))
      })
    )

    it.effect("an answer whose lease has run out reads as cut, and runs again once its process extends the lease", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        const answerId = yield* say(key, "one")
        yield* tell(answerId, [[text("Hel")], [text("lo")]])
        yield* Effect.gen(function* () {
          yield* assertLines(key, ["user: one", "assistant: Hello (cut)"])
          assert.isTrue(Option.isNone(yield* store.running(key)))
          assert.isFalse(yield* store.stop(key))
          assert.deepStrictEqual(
            Option.map(yield* follow(store, answerId, 1), ({ ended }) => ended),
            Option.some<EndedAnswer | null>({ ending: "cut", parts: [{ type: "text", text: "Hello" }] })
          )
          assert.deepStrictEqual([...(yield* store.renew([answerId]))], [answerId])
          assert.deepStrictEqual(yield* store.running(key), Option.some(answerId))
          yield* assertLines(key, ["user: one", "assistant: Hello (null)"])
        }).pipe(later)
      })
    )

    it.effect("a message after an answer whose lease has run out marks it cut for good", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        const first = yield* say(key, "one")
        yield* tell(first, [[text("Hel")]])
        yield* Effect.gen(function* () {
          const second = yield* say(key, "two")
          assert.deepStrictEqual([...(yield* store.renew([first, second]))], [second])
          yield* assertLines(key, ["user: one", "assistant: Hel (cut)", "user: two", "assistant:  (null)"])
        }).pipe(later)
      })
    )

    it.effect("a conversation belongs to its instance: no other reads, stops, continues, rates or deletes it", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        const other: ConversationKey = { ...(yield* newKey), conversationId: key.conversationId }
        const answerId = yield* say(key, "secret")
        yield* tell(answerId, [[text("answer")]])
        assert.deepStrictEqual(yield* store.history({ key: other, bounds, isRegenerating: false }), [])
        assert.isTrue(Option.isNone(yield* store.read(other)))
        assert.isTrue(Option.isNone(yield* store.running(other)))
        assert.isFalse(yield* store.stop(other))
        assert.isFalse(yield* store.rate({ key: other, messageId: answerId, rating: "up", comment: null }))
        assert.isFalse(yield* store.delete(other))
        assert.deepStrictEqual(yield* store.list({ instanceId: other.instanceId, limit: 10, before: null }), [])
        assert.strictEqual((yield* Effect.flip(say(other, null)))._tag, "NothingToRegenerate")
        yield* exchange(other, "mine", "own")
        yield* assertLines(other, ["user: mine", "assistant: own (stop)"])
        yield* assertLines(key, ["user: secret", "assistant: answer (null)"])
        assert.deepStrictEqual(yield* store.running(key), Option.some(answerId))
      })
    )

    it.effect("the message after an answer is found, in its conversation alone", () =>
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

    it.effect("an answer is rated, a message is not, and a later rating replaces an earlier one", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        const messageId = yield* exchange(key, "one", "first")
        const [message] = Option.getOrElse(yield* store.read(key), () => [])
        assert.isTrue(yield* store.rate({ key, messageId, rating: "up", comment: "a \u0001 b" }))
        assert.isTrue(yield* store.rate({ key, messageId, rating: "down", comment: null }))
        for (const wrong of [message?.messageId ?? "", randomUUID(), "x"]) {
          assert.isFalse(yield* store.rate({ key, messageId: wrong, rating: "up", comment: null }))
        }
        const found = Option.getOrElse(yield* store.read(key), () => [])
        assert.deepInclude(found[1], { rating: "down", comment: null, ending: "stop" })
        assert.notProperty(found[0], "rating")
      })
    )

    it.effect(
      "conversations are listed newest first, page by page, and streamed in the order in which they began",
      () =>
        Effect.gen(function* () {
          const store = yield* ConversationStore
          const { instanceId } = yield* newKey
          const now = yield* Clock.currentTimeMillis
          const keys = Array.from({ length: 5 }, () => ({ instanceId, conversationId: randomUUID() }))
          // Two of them at the same millisecond.
          for (const [index, key] of keys.entries()) yield* say(key, "one").pipe(at(now - 1_000 + (index >> 1)))
          yield* say(keys[0]!, "two").pipe(at(now))
          const all = yield* store.list({ instanceId, limit: 10, before: null })
          assert.deepStrictEqual(
            all.map(({ messages }) => messages),
            [4, 2, 2, 2, 2]
          )
          assert.deepStrictEqual(
            all.map(({ updatedAt }) => now - updatedAt),
            [0, 998, 999, 999, 1_000]
          )
          const pages: Array<(typeof all)[number]> = []
          for (let before: (typeof all)[number] | null = null; ; ) {
            const page: typeof all = yield* store.list({ instanceId, limit: 2, before })
            pages.push(...page)
            if (page.length < 2) break
            before = page[1]!
          }
          assert.deepStrictEqual(pages, all)
          const streamed = yield* Stream.runCollect(store.stream({ instanceId, since: null }))
          assert.deepStrictEqual(
            streamed.map(({ createdAt }) => now - createdAt),
            [1_000, 1_000, 999, 999, 998]
          )
          assert.deepStrictEqual(
            new Set(streamed.map(({ conversationId }) => conversationId)),
            new Set(keys.map(({ conversationId }) => conversationId))
          )
          for (const { conversationId, messages } of streamed) {
            assert.deepStrictEqual(yield* store.read({ instanceId, conversationId }), Option.some(messages))
          }
          const recent = yield* Stream.runCollect(store.stream({ instanceId, since: now - 998 }))
          assert.lengthOf(recent, 2)
        })
    )

    it.effect("deleting a conversation deletes its answers, and no other conversation", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        const neighbour = { ...key, conversationId: randomUUID() }
        const [answerId, kept] = [yield* say(key, "one"), yield* say(neighbour, "two")]
        yield* tell(answerId, [[text("Hel")]])
        assert.isTrue(yield* store.delete(key))
        assert.isFalse(yield* store.delete(key))
        assert.isTrue(Option.isNone(yield* store.read(key)))
        assert.isTrue(Option.isNone(yield* follow(store, answerId, 0)))
        assert.isFalse(yield* store.append({ answerId, position: 1, events: [text("lo")] }))
        assert.isFalse(yield* complete(answerId, [{ type: "text", text: "Hello" }]))
        assert.deepStrictEqual([...(yield* store.renew([answerId, kept]))], [kept])
        assert.isTrue(Option.isNone(yield* store.read(key)))
        yield* assertLines(neighbour, ["user: two", "assistant:  (null)"])
        yield* exchange(key, "anew", "begun")
        yield* assertLines(key, ["user: anew", "assistant: begun (stop)"])
      })
    )

    it.effect("an instance that is deleted takes its conversations with it, and begins none", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const instances = yield* InstanceDirectory
        const key = yield* newKey
        yield* exchange(key, "one", "first")
        yield* instances.delete(key.instanceId)
        assert.deepStrictEqual(yield* store.list({ instanceId: key.instanceId, limit: 10, before: null }), [])
        assert.isTrue(Option.isNone(yield* store.read(key)))
        assert.strictEqual((yield* Effect.flip(say(key, "two")))._tag, "RecordRefused")
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
        // The answer that is replaced makes room.
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

    it.effect("texts that are no ids name no conversation and no answer", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const { instanceId } = yield* newKey
        for (const id of ["", "x", "\u0000", "\ud800", "'", randomUUID()]) {
          for (const key of [
            { instanceId, conversationId: id },
            { instanceId: id, conversationId: id }
          ]) {
            assert.isTrue(Option.isNone(yield* store.read(key)))
            assert.isTrue(Option.isNone(yield* store.running(key)))
            assert.deepStrictEqual(yield* store.history({ key, bounds, isRegenerating: true }), [])
            assert.isFalse(yield* store.stop(key))
            assert.isFalse(yield* store.delete(key))
          }
          assert.deepStrictEqual(yield* store.list({ instanceId: id, limit: 1, before: null }), [])
          assert.deepStrictEqual(yield* Stream.runCollect(store.stream({ instanceId: id, since: null })), [])
          assert.isTrue(Option.isNone(yield* follow(store, id, 0)))
          assert.strictEqual((yield* store.renew([id])).size, 0)
          assert.isFalse(yield* store.append({ answerId: id, position: 0, events: [text("a")] }))
          assert.isFalse(yield* complete(id, []))
        }
      })
    )

    it.effect("the key of the hashes has 32 bytes, and stays", () =>
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
