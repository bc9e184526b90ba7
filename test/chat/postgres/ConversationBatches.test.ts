import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Schema } from "effect"
import { ConversationStore } from "../../../src/chat/ConversationStore.ts"
import * as PostgresConversationStore from "../../../src/chat/postgres/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as Id from "../../../src/platform/Id.ts"
import { beginAnswer, newKey } from "../../support/Conversations.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const timeout = "20 seconds"
const layers = Layer.merge(
  PostgresConversationStore.layer({ timeout, maxQueue: 10_000 }),
  InstanceDirectory.layer()
).pipe(Layer.provideMerge(TestClient.layer))

const Commits = Schema.Tuple([Schema.Struct({ commits: Schema.Int })])

/** How many transactions wrote the rows of a table. */
const commitsOf = (table: string) =>
  PgClient.PgClient.use((sql) => sql.unsafe(`SELECT count(DISTINCT xmin::text)::int AS commits FROM ${table}`)).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Commits)),
    Effect.map(([{ commits }]) => commits)
  )

const complete = (answerId: Id.MessageId, text = "an answer") =>
  ConversationStore.use((store) =>
    store.complete({ answerId, parts: [{ type: "text", text }], ending: "stop", usage: null })
  )

const concurrently = { concurrency: "unbounded" } as const

describe("chat/postgres/ConversationStore: batches", () => {
  it.live("concurrent turns share commits, and so do answers that end concurrently", () =>
    Effect.gen(function* () {
      const { instanceId } = yield* newKey
      const keys = Array.from({ length: 60 }, () => ({
        instanceId,
        conversationId: Id.ConversationId.make(randomUUID())
      }))
      for (const _ of ["new", "continued"]) {
        const answers = yield* Effect.forEach(keys, (key) => beginAnswer(key, "one"), concurrently)
        assert.isBelow(yield* commitsOf("conversation"), 15)
        assert.deepStrictEqual(
          new Set(yield* Effect.forEach(answers, (id) => complete(id), concurrently)),
          new Set([true])
        )
        assert.isBelow(yield* commitsOf("conversation"), 15)
        assert.deepStrictEqual(
          new Set(yield* Effect.forEach(answers, (id) => complete(id), concurrently)),
          new Set([false])
        )
      }
      const store = yield* ConversationStore
      for (const key of keys) assert.lengthOf(Option.getOrThrow(yield* store.read(key)), 4)
    }).pipe(Effect.provide(layers))
  )

  it.live("concurrent messages to one conversation are all stored, and only the last is answered", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const answers = yield* Effect.forEach(["a", "b", "c", "d"], (text) => beginAnswer(key, text), concurrently)
      const messages = yield* Effect.flatMap(store.read(key), Effect.fromOption)
      assert.lengthOf(messages, 8)
      const running = Option.getOrThrow(yield* store.running(key))
      assert.strictEqual(messages.at(-1)?.messageId, running)
      const ended = yield* Effect.forEach(answers, (id) => complete(id), concurrently)
      assert.deepStrictEqual(
        answers.filter((_, index) => ended[index]),
        [running]
      )
    }).pipe(Effect.provide(layers))
  )

  it.live("a locked conversation does not delay others, and is written when it is unlocked", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const store = yield* ConversationStore
      const [idle, busy] = [yield* newKey, yield* newKey]
      yield* complete(yield* beginAnswer(idle, "one"))
      const answerId = yield* beginAnswer(busy, "one")
      const blocker = yield* Locks.openTransaction(sql, sql`SELECT 1 FROM conversation FOR UPDATE`)
      const begun = yield* Effect.forkChild(beginAnswer(idle, "two"))
      const completed = yield* Effect.forkChild(complete(answerId))
      const other = { instanceId: idle.instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
      assert.isTrue(yield* complete(yield* beginAnswer(other, "one")))
      yield* blocker.commit
      const next = yield* Fiber.join(begun)
      assert.isTrue(yield* Fiber.join(completed))
      assert.deepStrictEqual(yield* store.running(idle), Option.some(next))
      assert.isTrue(Option.isNone(yield* store.running(busy)))
    }).pipe(Effect.provide(layers))
  )

  it.live("a turn of an instance that does not exist is refused, and the rest of its batch is stored", () =>
    Effect.gen(function* () {
      const key = yield* newKey
      const turns = Array.from({ length: 9 }, (_, index) => ({
        instanceId: index === 4 ? Id.InstanceId.make(randomUUID()) : key.instanceId,
        conversationId: Id.ConversationId.make(randomUUID())
      }))
      const outcomes = yield* Effect.forEach(turns, (turn) => Effect.result(beginAnswer(turn, "one")), concurrently)
      assert.deepStrictEqual(
        outcomes.map((outcome) => (outcome._tag === "Failure" ? outcome.failure._tag : "stored")),
        turns.map((_, index) => (index === 4 ? "RecordRefused" : "stored"))
      )
    }).pipe(Effect.provide(layers))
  )
})
