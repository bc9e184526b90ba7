import { assert, describe, it } from "@effect/vitest"
import {
  type Cause,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Option,
  Queue,
  Schema,
  Scope,
  Stream
} from "effect"
import { AgentBroken, type AgentError } from "../../src/chat/AgentStream.ts"
import type { AgentEvent } from "../../src/chat/agent/Agent.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import { leaseMillis, renewMillis } from "../../src/chat/conversations/Conversation.ts"
import { Event, newKey } from "../support/Conversations.ts"
import {
  accepted,
  answersOf,
  awaitEnd,
  begin,
  endless,
  layer,
  Running,
  type Store,
  text
} from "../support/RunningAnswers.ts"
import * as TestMetrics from "../support/TestMetrics.ts"
import { until } from "../support/Wait.ts"

describe("chat/RunningAnswers", () => {
  it("a lease lasts while two of its extensions fail, and ends soon after its process", () => {
    assert.isBelow(3 * renewMillis, leaseMillis)
    assert.isAtMost(leaseMillis, 10_000)
  })

  it.live("of two concurrent messages, the one that was stored last is answered, and can be stopped", () => {
    const firstStored = Deferred.makeUnsafe<void>()
    const secondBegun = Deferred.makeUnsafe<void>()
    const renewed: Array<string> = []
    let running = 0
    const overrides = (store: Store): Partial<Store> => ({
      // `begin` of the first turn returns after that of the second.
      begin: (turn) =>
        store
          .begin(turn)
          .pipe(
            Effect.andThen(
              turn.message?.text === "first"
                ? Effect.andThen(Deferred.succeed(firstStored, undefined), Deferred.await(secondBegun))
                : Effect.void
            )
          ),
      renew: (answerIds) => {
        renewed.push(...answerIds)
        return store.renew(answerIds)
      }
    })
    const script = () =>
      Stream.ensuring(
        endless(),
        Effect.sync(() => running--)
      ).pipe(Stream.onStart(Effect.sync(() => running++)))
    return Effect.gen(function* () {
      const { answers } = yield* Running
      const key = yield* newKey
      const first = yield* Effect.forkChild(begin(key, { message: "first" }))
      yield* Deferred.await(firstStored)
      const second = yield* begin(key, { message: "second" })
      yield* Deferred.succeed(secondBegun, undefined)
      yield* Fiber.join(first)
      yield* until("the lease of the second is extended", () => renewed.includes(second.answerId))
      yield* until("the first answer has ended", () => running === 1)
      assert.isTrue(Option.isSome(answers.read(second.answerId)))
      assert.isTrue(yield* answers.end(key, "stopped"))
      assert.strictEqual(running, 0)
      assert.deepStrictEqual(yield* answersOf(key), [
        ["on", "superseded"],
        ["on", "stopped"]
      ])
    }).pipe(Effect.provide(layer({ script, overrides })))
  })

  it.live("an answer that another process ended is not reported as ended here", () =>
    Effect.gen(function* () {
      const { answers } = yield* Running
      const store = yield* ConversationStore
      const key = yield* newKey
      yield* begin(key)
      assert.isTrue(yield* store.stop(key))
      assert.isFalse(yield* answers.end(key, "stopped"))
      assert.isFalse(yield* answers.end(key, "stopped"))
    }).pipe(Effect.provide(layer({ script: () => endless() })))
  )

  for (const [name, resume, ending] of [
    ["ends at once if resuming is off", Option.none(), "stopped"],
    ["ends after the time for resuming", Option.some(Duration.millis(50)), "cut"]
  ] as const) {
    it.live(`if the visitor leaves before reading, the answer ${name}`, () =>
      Effect.gen(function* () {
        const key = yield* newKey
        const request = yield* Scope.make()
        yield* begin(key, { request })
        yield* Scope.close(request, Exit.void)
        assert.deepStrictEqual(
          (yield* awaitEnd(key)).map(([, ending]) => ending),
          [ending]
        )
      }).pipe(Effect.provide(layer({ script: () => endless(), resume })))
    )
  }

  it.live("every reader of an answer that grows too long gets an error, also one that reads it afterwards", () => {
    const canStart = Deferred.makeUnsafe<void>()
    const script = () => Stream.onStart(endless("x".repeat(20)), Deferred.await(canStart))
    return Effect.gen(function* () {
      const { answers } = yield* Running
      const key = yield* newKey
      const store = yield* ConversationStore
      const { answerId, events } = yield* begin(key)
      const later = Option.getOrThrow(answers.read(answerId))
      yield* Deferred.succeed(canStart, undefined)
      for (const reader of [events, later]) {
        const error: AgentError = yield* Effect.flip(Stream.runCollect(reader))
        assert.strictEqual(error._tag, "AgentBroken")
      }
      assert.deepStrictEqual(
        (yield* answersOf(key)).map(([, ending]) => ending),
        ["failed"]
      )
      assert.isTrue(Option.isNone(yield* store.running(key)))
    }).pipe(Effect.provide(layer({ script, maxBytes: 10 })))
  })

  it.live("readers get the agent's error, and the turn is stored as failed", () =>
    Effect.gen(function* () {
      const key = yield* newKey
      const { events } = yield* begin(key)
      const error = yield* Effect.flip(Stream.runCollect(events))
      assert.deepInclude(error, { _tag: "AgentBroken", reason: "test" })
      assert.deepStrictEqual(yield* answersOf(key), [["half", "failed"]])
    }).pipe(
      Effect.provide(
        layer({
          script: () =>
            Stream.concat(Stream.make(accepted, text("half")), Stream.fail(new AgentBroken({ reason: "test" })))
        })
      )
    )
  )

  it.live("the agent's text is counted once, however many readers the answer has", () => {
    const metrics = TestMetrics.make()
    const canStart = Deferred.makeUnsafe<void>()
    const script = () =>
      Stream.make(accepted, text("a"), text("b")).pipe(
        Stream.onStart(Deferred.await(canStart)),
        Stream.concat(Stream.fail(new AgentBroken({ reason: "test" })))
      )
    return Effect.gen(function* () {
      const { answers } = yield* Running
      const { answerId, events } = yield* begin(yield* newKey)
      const second = Option.getOrThrow(answers.read(answerId))
      yield* Deferred.succeed(canStart, undefined)
      for (const reader of [events, second]) yield* Effect.flip(Stream.runCollect(reader))
      assert.strictEqual(metrics.value("chat_tokens_total"), 2)
      assert.strictEqual(metrics.value("chat_time_to_first_token_seconds_count"), 1)
      assert.strictEqual(metrics.value('agent_failures_total{kind="broken"}'), 1)
    }).pipe(Effect.provide(layer({ script }).pipe(Layer.provideMerge(metrics.layer))))
  })

  it.effect.prop(
    "readers that begin at any time, and read at any speed, get the same answer",
    [
      Schema.Array(
        Schema.Struct({ events: Schema.Array(Event).check(Schema.isMaxLength(3)), isRead: Schema.Boolean })
      ).check(Schema.isMaxLength(8))
    ],
    ([steps]) => {
      const queue = Effect.runSync(Queue.unbounded<AgentEvent, Cause.Done>())
      return Effect.gen(function* () {
        const { answers } = yield* Running
        const { answerId, events } = yield* begin(yield* newKey)
        const first = yield* Stream.toPull(events)
        const got: Array<AgentEvent> = []
        const readFirst = Effect.map(first, (events) => void got.push(...events))
        const later: Array<Fiber.Fiber<Array<AgentEvent>, AgentError>> = []
        yield* Queue.offer(queue, accepted)
        yield* readFirst
        for (const { events, isRead } of steps) {
          yield* Queue.offerAll(queue, events)
          if (isRead && events.some(({ _tag }) => _tag === "Text")) yield* readFirst
          const reader = Option.getOrThrow(answers.read(answerId))
          later.push(yield* Effect.forkChild(Stream.runCollect(reader)))
        }
        yield* Queue.offer(queue, { _tag: "Finish", reason: "stop" })
        yield* Queue.end(queue)
        yield* Stream.fromPull(Effect.succeed(first)).pipe(
          Stream.runForEachArray((events) => Effect.sync(() => got.push(...events)))
        )
        const parts = AnswerParts.fromEvents(got)
        assert.deepStrictEqual(got.at(-1), { _tag: "Finish", reason: "stop" })
        for (const fiber of later) assert.deepStrictEqual(AnswerParts.fromEvents(yield* Fiber.join(fiber)), parts)
        assert.deepStrictEqual(parts, AnswerParts.fromEvents(steps.flatMap(({ events }) => events)))
      }).pipe(Effect.provide(layer({ script: () => Stream.fromQueue(queue), maxBytes: 1_000_000 })), Effect.scoped)
    }
  )

  it.live("a reader that is interrupted does not affect the others", () => {
    const queue = Effect.runSync(Queue.unbounded<AgentEvent, Cause.Done>())
    return Effect.gen(function* () {
      const { answers } = yield* Running
      const { answerId, events } = yield* begin(yield* newKey)
      const reader = yield* Effect.forkChild(Stream.runCollect(events))
      const leaving = yield* Effect.forkChild(Stream.runDrain(Option.getOrThrow(answers.read(answerId))))
      yield* Queue.offerAll(queue, [accepted, text("a")])
      yield* Fiber.interrupt(leaving)
      yield* Queue.offerAll(queue, [text("b"), { _tag: "Finish", reason: "stop" }])
      yield* Queue.end(queue)
      assert.strictEqual(AnswerParts.textOf(AnswerParts.fromEvents(yield* Fiber.join(reader))), "ab")
    }).pipe(Effect.provide(layer({ script: () => Stream.fromQueue(queue) })))
  })
})
