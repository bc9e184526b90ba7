import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Logger, Option, Scope, Stream } from "effect"
import type { AgentEvent } from "../../../src/core/chat/Agent.ts"
import * as AnswerParts from "../../../src/core/chat/AnswerParts.ts"
import type { AnswerEnding, ConversationKey } from "../../../src/core/chat/Conversation.ts"
import * as Instance from "../../../src/core/chat/Instance.ts"
import * as Drain from "../../../src/http/chat/Drain.ts"
import * as RunningAnswers from "../../../src/http/chat/RunningAnswers.ts"
import * as MemoryAgentStream from "../../../src/memory/chat/AgentStream.ts"
import * as MemoryConversationStore from "../../../src/memory/chat/ConversationStore.ts"
import * as MemoryInstanceDirectory from "../../../src/memory/chat/InstanceDirectory.ts"
import { AgentBroken, type AgentError } from "../../../src/services/chat/AgentStream.ts"
import { ConversationStore } from "../../../src/services/chat/ConversationStore.ts"
import { RecordRefused } from "../../../src/services/Storage.ts"
import { newKey } from "../../support/Conversations.ts"
import { collect } from "../../support/EventSources.ts"
import * as TestMetrics from "../../support/TestMetrics.ts"
import { poll, until } from "../../support/Wait.ts"

type Store = ConversationStore["Service"]

const accepted: AgentEvent = { _tag: "Accepted" }
const text = (delta: string): AgentEvent => ({ _tag: "Text", delta })

/** Begins an answer and sends nothing more. */
const endless = (delta = "on") => Stream.concat(Stream.make(accepted, text(delta)), Stream.never)

/** The service on a store in memory, whose methods `over` replaces. */
const layer = (options: {
  readonly script: MemoryAgentStream.Script
  readonly resume?: Option.Option<Duration.Duration>
  readonly maxBytes?: number
  readonly grace?: Duration.Input
  readonly over?: (store: Store) => Partial<Store>
}) => {
  const storage = MemoryConversationStore.layer().pipe(Layer.provideMerge(MemoryInstanceDirectory.layer()))
  const replaced = Layer.effect(
    ConversationStore,
    Effect.map(ConversationStore, (store) => ConversationStore.of({ ...store, ...options.over?.(store) }))
  )
  return RunningAnswers.layer({
    resume: options.resume ?? Option.some(Duration.minutes(1)),
    maxDuration: "1 minute",
    maxBytes: options.maxBytes ?? 1_000
  }).pipe(
    Layer.provideMerge(Layer.effect(Drain.Drain, Drain.make({ grace: options.grace ?? "1 second" }))),
    Layer.provide(MemoryAgentStream.layer(options.script)),
    Layer.provideMerge(Layer.provideMerge(replaced, storage))
  )
}

/** Begins the answer to a message in the scope of a request, which stays open. */
const begin = Effect.fnUntraced(function* (
  key: ConversationKey,
  options: { readonly request?: Scope.Scope; readonly message?: string; readonly onEnd?: () => void } = {}
) {
  const answers = yield* RunningAnswers.RunningAnswers
  const answerId = randomUUID()
  const message = options.message ?? "hello"
  const source = yield* answers
    .begin({
      key,
      answerId,
      message: { messageId: randomUUID(), text: message },
      isResumable: true,
      request: {
        instance: Instance.make(key.instanceId, { name: "a", agentUrl: "http://agent" }),
        session: "s",
        messages: [{ role: "user", text: message }]
      },
      onEnd: options.onEnd ?? (() => {})
    })
    .pipe(Scope.provide(options.request ?? (yield* Scope.make())))
  return { answerId, source }
})

/** The text and the ending of each answer of a conversation. */
const answersOf = (key: ConversationKey) =>
  ConversationStore.use((store) =>
    Effect.map(store.read(key), (read) =>
      Option.getOrElse(read, () => []).flatMap(
        (message): ReadonlyArray<readonly [string, AnswerEnding | null]> =>
          message.role === "assistant" ? [[AnswerParts.textOf(message.parts), message.ending]] : []
      )
    )
  )

/** Waits until the last answer of a conversation has ended. */
const ended = (key: ConversationKey) => poll(answersOf(key), (answers) => answers.at(-1)?.[1] !== null)

describe("http/chat/RunningAnswers", () => {
  it.live("of two concurrent messages, the one that was stored last is answered, and can be stopped", () => {
    const firstStored = Deferred.makeUnsafe<void>()
    const secondBegun = Deferred.makeUnsafe<void>()
    const renewed: Array<string> = []
    let running = 0
    const over = (store: Store): Partial<Store> => ({
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
      const answers = yield* RunningAnswers.RunningAnswers
      const key = yield* newKey
      const first = yield* Effect.forkChild(begin(key, { message: "first" }))
      yield* Deferred.await(firstStored)
      const second = yield* begin(key, { message: "second" })
      yield* Deferred.succeed(secondBegun, undefined)
      yield* Fiber.join(first)
      yield* until("the lease of the second is extended", () => renewed.includes(second.answerId))
      yield* until("the first has ended", () => running === 1)
      assert.isTrue(Option.isSome(answers.read(second.answerId)))
      assert.isTrue(yield* answers.end(key, "stopped"))
      assert.strictEqual(running, 0)
      assert.deepStrictEqual(yield* answersOf(key), [
        ["on", "superseded"],
        ["on", "stopped"]
      ])
    }).pipe(Effect.provide(layer({ script, over })))
  })

  it.live("an answer that another process ended is not reported as ended here", () =>
    Effect.gen(function* () {
      const answers = yield* RunningAnswers.RunningAnswers
      const store = yield* ConversationStore
      const key = yield* newKey
      yield* begin(key)
      assert.isTrue(yield* store.stop(key))
      assert.isFalse(yield* answers.end(key, "stopped"))
      assert.isFalse(yield* answers.end(key, "stopped"))
    }).pipe(Effect.provide(layer({ script: () => endless() })))
  )

  for (const [name, resume, ending] of [
    ["ends at once without resuming", Option.none(), "stopped"],
    ["ends after the time for resuming", Option.some(Duration.millis(50)), "cut"]
  ] as const) {
    it.live(`an answer whose visitor left before reading it ${name}`, () =>
      Effect.gen(function* () {
        const key = yield* newKey
        const request = yield* Scope.make()
        yield* begin(key, { request })
        yield* Scope.close(request, Exit.void)
        assert.deepStrictEqual(
          (yield* ended(key)).map(([, found]) => found),
          [ending]
        )
      }).pipe(Effect.provide(layer({ script: () => endless(), resume })))
    )
  }

  it.live("an answer that grows too long is an error to its readers, also to later ones", () => {
    const canStart = Deferred.makeUnsafe<void>()
    const script = () => Stream.onStart(endless("x".repeat(20)), Deferred.await(canStart))
    return Effect.gen(function* () {
      const answers = yield* RunningAnswers.RunningAnswers
      const key = yield* newKey
      const completed = yield* ConversationStore
      const { answerId, source } = yield* begin(key)
      const later = Option.getOrThrow(answers.read(answerId))
      yield* Deferred.succeed(canStart, undefined)
      for (const reader of [source, later]) {
        const error: AgentError = yield* Effect.flip(collect(reader))
        assert.strictEqual(error._tag, "AgentBroken")
      }
      assert.deepStrictEqual(
        (yield* answersOf(key)).map(([, found]) => found),
        ["failed"]
      )
      assert.isTrue(Option.isNone(yield* completed.running(key)))
    }).pipe(Effect.provide(layer({ script, maxBytes: 10 })))
  })

  it.live("an answer that cannot be stored is not retried", () => {
    let tries = 0
    const over = (): Partial<Store> => ({
      complete: () =>
        Effect.andThen(
          Effect.sync(() => tries++),
          Effect.fail(new RecordRefused({}))
        )
    })
    return Effect.gen(function* () {
      const { source } = yield* begin(yield* newKey)
      assert.strictEqual((yield* Effect.flip(collect(source)))._tag, "AgentBroken")
      assert.strictEqual(tries, 1)
    }).pipe(Effect.provide(layer({ script: () => MemoryAgentStream.texts(["Hi"]), over })))
  })

  it.live("after defects of the store, answers are still stored in pieces and their leases extended", () => {
    const lines: Array<string> = []
    const failing = new Set(["append", "renew"])
    const appended: Array<string> = []
    const renewed: Array<string> = []
    const over = (store: Store): Partial<Store> => ({
      append: (piece) =>
        Effect.suspend(() => {
          if (failing.delete("append")) return Effect.die(new Error("the first piece"))
          appended.push(piece.answerId)
          return store.append(piece)
        }),
      renew: (answerIds) =>
        Effect.suspend(() => {
          if (failing.delete("renew")) return Effect.die(new Error("the first leases"))
          renewed.push(...answerIds)
          return store.renew(answerIds)
        })
    })
    return Effect.gen(function* () {
      const answers = yield* RunningAnswers.RunningAnswers
      const keys = [yield* newKey, yield* newKey]
      const ids = (yield* Effect.forEach(keys, (key) => begin(key))).map(({ answerId }) => answerId)
      yield* until("all are stored", () => ids.every((id) => appended.includes(id)))
      yield* until("all leases are extended", () => ids.every((id) => renewed.includes(id)))
      for (const key of keys) assert.isTrue(yield* answers.end(key, "stopped"))
      assert.lengthOf(lines, 2)
      assert.match(lines[0] ?? "", /level=WARN.*events of answers could not be stored; retrying.*the first piece/s)
      assert.match(lines[1] ?? "", /level=WARN.*leases of answers could not be extended; retrying.*the first leases/s)
    }).pipe(
      Effect.provide(
        layer({ script: () => endless(), over }).pipe(
          Layer.provide(Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))]))
        )
      )
    )
  })

  it.live("a process ends although the store does not answer", () => {
    let isReleased = false
    const over = (): Partial<Store> => ({ complete: () => Effect.never })
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(layer({ script: () => endless(), over, grace: 50 }), scope)
      yield* Effect.gen(function* () {
        yield* begin(yield* newKey, {
          onEnd: () => {
            isReleased = true
          }
        })
        yield* Effect.flatMap(Drain.Drain, ({ start }) => start)
      }).pipe(Effect.provide(services))
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(isReleased)
    })
  })

  it.live("an agent's failure has its own error, and the turn is stored as failed", () =>
    Effect.gen(function* () {
      const key = yield* newKey
      const { source } = yield* begin(key)
      const error = yield* Effect.flip(collect(source))
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
      const answers = yield* RunningAnswers.RunningAnswers
      const { answerId, source } = yield* begin(yield* newKey)
      const second = Option.getOrThrow(answers.read(answerId))
      yield* Deferred.succeed(canStart, undefined)
      for (const reader of [source, second]) yield* Effect.flip(collect(reader))
      assert.strictEqual(metrics.value("chat_tokens_total"), 2)
      assert.strictEqual(metrics.value("chat_time_to_first_token_seconds_count"), 1)
      assert.strictEqual(metrics.value('agent_failures_total{kind="broken"}'), 1)
    }).pipe(Effect.provide(layer({ script }).pipe(Layer.provide(metrics.layer))))
  })
})
