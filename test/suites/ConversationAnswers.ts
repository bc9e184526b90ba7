/**
 * The tests of `ConversationStore` about answers: their pieces, leases, endings and ratings.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { ConversationStore, type EndedAnswer } from "../../src/chat/ConversationStore.ts"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import type { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { MessageId } from "../../src/platform/Id.ts"
import {
  appendPieces,
  assertLines,
  beginAnswer,
  complete,
  Event,
  follow,
  newKey,
  Pieces,
  storeTurn,
  text
} from "../support/Conversations.ts"

export interface Options<R> {
  /** Runs an effect as if no lease had been extended for ten seconds. */
  readonly afterTenSeconds: <A, E, R2>(effect: Effect.Effect<A, E, R2>) => Effect.Effect<A, E, R2 | R>
  /** The number of runs of each property. */
  readonly runs: number
}

export const suite = <R>(
  it: Vitest.MethodsNonLive<ConversationStore | InstanceDirectory | R>,
  { afterTenSeconds, runs }: Options<R>
) => {
  it.effect.prop(
    "a reader that follows an answer piece by piece can complete its parts at the end",
    { pieces: Pieces, rest: Schema.Array(Event).check(Schema.isMaxLength(5)) },
    ({ pieces, rest }) =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const answerId = yield* beginAnswer(yield* newKey, "one")
        const progressFrom = (position: number) => Effect.flatMap(follow(store, answerId, position), Effect.fromOption)
        let read = AnswerParts.none
        let position = 0
        let stored = 0
        for (const events of pieces) {
          if (events.length > 0) assert.isTrue(yield* store.append({ answerId, position: stored, events }))
          stored += events.length
          const progress = yield* progressFrom(position)
          assert.deepStrictEqual(progress, { events, next: position + events.length, ended: null })
          read = AnswerParts.addAll(read, progress.events)
          position = progress.next
        }
        assert.deepStrictEqual((yield* progressFrom(0)).events, pieces.flat())
        const all = AnswerParts.fromEvents([...pieces.flat(), ...rest])
        assert.isTrue(yield* complete(answerId, all))
        const { ended, events } = yield* progressFrom(position)
        assert.deepStrictEqual(events, [])
        assert.deepStrictEqual(ended, { ending: "stop", parts: all })
        assert.deepStrictEqual(AnswerParts.addAll(read, AnswerParts.missing(read, ended?.parts ?? [])).parts, all)
      }),
    { arbitrary: { runs } }
  )

  it.effect(
    "only the first ending counts, but the process that ran a stopped answer can complete it with a longer text",
    () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const key = yield* newKey
        const first = yield* storeTurn(key, "one", "whole")
        assert.isFalse(yield* complete(first, [{ type: "text", text: "something longer" }], "failed"))
        assert.isFalse(yield* store.stop(key))
        const second = yield* beginAnswer(key, "two")
        yield* appendPieces(second, [[text("Hel")]])
        assert.isTrue(yield* store.stop(key))
        assert.isFalse(yield* store.stop(key))
        assert.isTrue(Option.isNone(yield* store.running(key)))
        assert.isFalse(yield* complete(second, [{ type: "text", text: "Hello" }]))
        assert.isFalse(yield* complete(second, [{ type: "text", text: "H" }]))
        yield* assertLines(key, ["user: one", "assistant: whole (stop)", "user: two", "assistant: Hello (stopped)"])
        assert.isFalse(yield* complete(MessageId.make(randomUUID()), []))
      })
  )

  it.effect("an answer whose lease has expired counts as cut, and runs again when its process extends the lease", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const answerId = yield* beginAnswer(key, "one")
      yield* appendPieces(answerId, [[text("Hel")], [text("lo")]])
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
      }).pipe(afterTenSeconds)
    })
  )

  it.effect("the next message ends an answer as cut if its lease has expired", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const first = yield* beginAnswer(key, "one")
      yield* appendPieces(first, [[text("Hel")]])
      yield* Effect.gen(function* () {
        const second = yield* beginAnswer(key, "two")
        assert.deepStrictEqual([...(yield* store.renew([first, second]))], [second])
        yield* assertLines(key, ["user: one", "assistant: Hel (cut)", "user: two", "assistant:  (null)"])
      }).pipe(afterTenSeconds)
    })
  )

  it.effect("only answers can be rated, and a later rating replaces an earlier one", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const messageId = yield* storeTurn(key, "one", "first")
      const [message] = Option.getOrElse(yield* store.read(key), () => [])
      assert.isTrue(yield* store.rate({ key, messageId, rating: "up", comment: "a \u0001 b" }))
      assert.isTrue(yield* store.rate({ key, messageId, rating: "down", comment: null }))
      for (const wrong of [message?.messageId ?? messageId, MessageId.make(randomUUID())]) {
        assert.isFalse(yield* store.rate({ key, messageId: wrong, rating: "up", comment: null }))
      }
      const messages = Option.getOrElse(yield* store.read(key), () => [])
      assert.deepInclude(messages[1], { rating: "down", comment: null, ending: "stop" })
      assert.notProperty(messages[0], "rating")
    })
  )
}
