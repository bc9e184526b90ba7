import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Option, Schema } from "effect"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import { ConversationStore } from "../../../src/chat/ConversationStore.ts"
import * as AnswerParts from "../../../src/chat/conversations/AnswerParts.ts"
import * as PostgresConversationStore from "../../../src/chat/postgres/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as Id from "../../../src/platform/Id.ts"
import { suite } from "../../suites/ConversationStore.ts"
import { beginAnswer, follow, newKey } from "../../support/Conversations.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const timeout = "20 seconds"
const store = PostgresConversationStore.layer({ timeout, maxQueue: 10_000 })
const layers = Layer.merge(store, InstanceDirectory.layer()).pipe(Layer.provideMerge(TestClient.layer))

suite("chat/postgres/ConversationStore", layers, {
  afterTenSeconds: (effect) =>
    PgClient.PgClient.use((sql) =>
      Effect.andThen(
        Effect.orDie(sql`UPDATE conversation SET lease_until = lease_until - interval '10 seconds'`),
        effect
      )
    ),
  runs: 20
})

const text = (delta: string): AgentEvent => ({ _tag: "Text", delta })

const Count = Schema.Tuple([Schema.Struct({ rows: Schema.Int })])
const count = (from: string) =>
  PgClient.PgClient.use((sql) => sql.unsafe(`SELECT count(*)::int AS rows FROM ${from}`)).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Count)),
    Effect.map(([{ rows }]) => rows)
  )

/** A second store on the same database. The database cannot distinguish it from the store of another process. */
const secondStore = Effect.map(Layer.build(Layer.fresh(store)), (built) => Context.get(built, ConversationStore))

describe("chat/postgres/ConversationStore: pieces", () => {
  it.live("no piece of an answer remains after its end, however it ends", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const piece = (answerId: Id.MessageId) => store.append({ answerId, position: 0, events: [text("a"), text("b")] })
      const first = yield* beginAnswer(key, "one")
      assert.isTrue(yield* piece(first))
      assert.strictEqual(yield* count("answer_piece"), 1)
      yield* store.complete({ answerId: first, parts: [], ending: "stop", usage: null })
      assert.strictEqual(yield* count("answer_piece"), 0)
      yield* piece(yield* beginAnswer(key, "two"))
      yield* store.stop(key)
      assert.strictEqual(yield* count("answer_piece"), 0)
      yield* piece(yield* beginAnswer(key, "three"))
      const last = yield* beginAnswer(key, "four")
      assert.strictEqual(yield* count("answer_piece"), 0)
      yield* piece(last)
      yield* store.delete("all", key)
      for (const table of ["answer_piece", "conversation_message", "conversation"]) {
        assert.strictEqual(yield* count(table), 0, table)
      }
    }).pipe(Effect.provide(layers))
  )

  it.live("the pieces of many answers share their commits", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const sql = yield* PgClient.PgClient
      const { instanceId } = yield* newKey
      const answers = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        beginAnswer({ instanceId, conversationId: Id.ConversationId.make(randomUUID()) }, "one")
      )
      const piecesPerAnswer = 20
      yield* Effect.forEach(
        answers,
        (answerId) =>
          Effect.forEach(Array.from({ length: piecesPerAnswer }), (_, position) =>
            store.append({ answerId, position, events: [text("a")] })
          ),
        { concurrency: "unbounded" }
      )
      const rows = yield* sql`SELECT count(DISTINCT xmin::text)::int AS rows FROM answer_piece`
      const [{ rows: commits }] = yield* Schema.decodeUnknownEffect(Count)(rows)
      assert.strictEqual(yield* count("answer_piece"), answers.length * piecesPerAnswer)
      assert.isBelow(commits, piecesPerAnswer * 5)
    }).pipe(Effect.provide(layers))
  )

  it.live("a piece that is stored again is read once", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const key = yield* newKey
      const answerId = yield* beginAnswer(key, "one")
      yield* store.append({ answerId, position: 0, events: [text("a")] })
      const piece = { answerId, position: 1, events: [text("b"), text("c")] }
      for (const again of [piece, piece]) assert.isTrue(yield* store.append(again))
      const progress = yield* Effect.flatMap(follow(store, answerId, 0), Effect.fromOption)
      assert.deepStrictEqual(progress.events, [text("a"), text("b"), text("c")])
      const [, answer] = yield* Effect.flatMap(store.read(key), Effect.fromOption)
      assert.strictEqual(AnswerParts.textOf(answer?.parts ?? []), "abc")
    }).pipe(Effect.provide(layers))
  )
})

describe("chat/postgres/ConversationStore: processes", () => {
  it.live(
    "a message to one process ends the answer of another process, which learns this when it appends or renews",
    () =>
      Effect.gen(function* () {
        const here = yield* ConversationStore
        const there = yield* secondStore
        const key = yield* newKey
        const answerId = yield* beginAnswer(key, "one")
        yield* here.append({ answerId, position: 0, events: [text("Hel")] })
        assert.deepStrictEqual(yield* there.running(key), Option.some(answerId))
        const next = Id.MessageId.make(randomUUID())
        yield* there.begin({
          key,
          answerId: next,
          message: { messageId: Id.MessageId.make(randomUUID()), text: "two" }
        })
        assert.isFalse(yield* here.append({ answerId, position: 1, events: [text("lo")] }))
        assert.strictEqual((yield* here.renew([answerId])).size, 0)
        assert.isTrue(yield* there.stop(key))
        assert.strictEqual((yield* there.renew([next])).size, 0)
        assert.isTrue((yield* here.hashKey).equals(yield* there.hashKey))
      }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("concurrent writers of the same conversations wait for each other, and none fails", () =>
    Effect.gen(function* () {
      const stores = [yield* ConversationStore, yield* secondStore]
      const { instanceId } = yield* newKey
      const keys = Array.from({ length: 4 }, () => ({
        instanceId,
        conversationId: Id.ConversationId.make(randomUUID())
      }))
      const turns = keys.flatMap((key) => stores.flatMap((store) => Array.from({ length: 5 }, () => ({ key, store }))))
      yield* Effect.forEach(
        turns,
        Effect.fnUntraced(function* ({ key, store }) {
          const answerId = Id.MessageId.make(randomUUID())
          yield* store.begin({ key, answerId, message: { messageId: Id.MessageId.make(randomUUID()), text: "one" } })
          yield* store.append({ answerId, position: 0, events: [text("a")] })
          yield* store.renew([answerId])
          yield* store.complete({ answerId, parts: [{ type: "text", text: "ab" }], ending: "stop", usage: null })
        }),
        { concurrency: "unbounded" }
      )
      for (const key of keys) {
        const messages = yield* Effect.flatMap(stores[0]!.read(key), Effect.fromOption)
        assert.lengthOf(messages, 20)
        for (const message of messages) if (message.role === "assistant") assert.isNotNull(message.ending)
        assert.isTrue(Option.isNone(yield* stores[0]!.running(key)))
      }
      assert.strictEqual(yield* count("answer_piece"), 0)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("a turn whose connection is lost while it begins is stored once", () =>
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const sql = yield* PgClient.PgClient
      const key = yield* newKey
      yield* beginAnswer(key, "one")
      const blocker = yield* Locks.openTransaction(sql, sql`SELECT 1 FROM conversation FOR UPDATE`)
      const begun = yield* Effect.forkChild(beginAnswer(key, "two"))
      yield* Locks.terminateWaiting(sql)
      yield* blocker.commit
      const answerId = yield* Fiber.join(begun)
      assert.deepStrictEqual(yield* store.running(key), Option.some(answerId))
      const messages = yield* Effect.flatMap(store.read(key), Effect.fromOption)
      assert.deepStrictEqual(
        messages.map(({ role }) => role),
        ["user", "assistant", "user", "assistant"]
      )
    }).pipe(Effect.provide(layers))
  )
})
