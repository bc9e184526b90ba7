/** Changes of conversations while other transactions change the same ones. */

import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option } from "effect"
import { ConversationStore } from "../../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import * as PostgresConversationStore from "../../../src/chat/postgres/ConversationStore.ts"
import * as PostgresInstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as Id from "../../../src/platform/Id.ts"
import { beginAnswer, newKey } from "../../support/Conversations.ts"
import * as Delivery from "../../support/Delivery.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const timeout = "20 seconds"
const layers = Layer.merge(
  PostgresConversationStore.layer({ timeout, maxQueue: 100 }),
  PostgresInstanceDirectory.layer()
).pipe(Layer.provideMerge(TestClient.layer))

const count = (table: string) =>
  PgClient.PgClient.use((sql) => Effect.map(sql.unsafe(`SELECT FROM ${table}`), (rows) => rows.length))

describe("chat/postgres: locks of conversations", () => {
  it.live("a deletion of all conversations locks them in the order of their answers", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { instanceId } = yield* newKey
      for (let index = 0; index < 10; index++) {
        yield* beginAnswer({ instanceId, conversationId: Id.ConversationId.make(randomUUID()) }, "hello")
      }
      const piece = yield* Locks.openTransaction(sql, sql`SELECT FROM conversation ORDER BY running LIMIT 1 FOR SHARE`)
      const deletion = yield* Effect.forkChild(PostgresInstanceDirectory.deleteConversations(instanceId))
      yield* Locks.untilAwaited(sql)
      const unlocked = yield* count("conversation FOR SHARE SKIP LOCKED")
      yield* piece.commit
      assert.strictEqual(yield* Fiber.join(deletion), 10)
      assert.strictEqual(unlocked, 10)
    }).pipe(Effect.provide(layers))
  )

  it.live("a deletion of all conversations continues if another transaction deletes one of them", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { instanceId } = yield* newKey
      yield* sql`INSERT INTO conversation (instance_id, conversation_id, created_at, updated_at, messages, size)
        SELECT ${instanceId}::uuid, 'c-' || n, now(), now(), 0, 0 FROM generate_series(1, 1200) AS n`
      const other = yield* Locks.openTransaction(
        sql,
        sql`DELETE FROM conversation WHERE conversation_key = (SELECT min(conversation_key) FROM conversation)`
      )
      const deletion = yield* Effect.forkChild(PostgresInstanceDirectory.deleteConversations(instanceId))
      yield* Locks.untilAwaited(sql)
      yield* other.commit
      assert.strictEqual(yield* Fiber.join(deletion), 1199)
      assert.strictEqual(yield* count("conversation"), 0)
    }).pipe(Effect.provide(layers))
  )

  it.live("a deletion of an instance deletes the events of a conversation that begins meanwhile", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const instances = yield* InstanceDirectory
      const website = yield* Delivery.newSite
      const { instance_id: instanceId } = yield* instances.create({
        name: "a",
        agent_url: "https://a.example",
        website_config_id: website
      })
      const begin = sql`WITH begun AS (
          INSERT INTO conversation (instance_id, conversation_id, created_at, updated_at, messages, size)
          VALUES (${instanceId}::uuid, 'c-1', now(), now(), 0, 0)
        )
        INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
        VALUES (gen_random_uuid(), ${website}::uuid, 'conversation.started', now(), ${instanceId}::text || ' c-1')`
      const begun = yield* Locks.openTransaction(sql, begin)
      const deletion = yield* Effect.forkChild(instances.delete("all", instanceId))
      yield* Locks.untilAwaited(sql)
      yield* begun.commit
      assert.isTrue(yield* Fiber.join(deletion))
      assert.strictEqual(yield* count("conversation"), 0)
      assert.strictEqual(yield* count("outbox"), 0)
    }).pipe(Effect.provide(Layer.provideMerge(Delivery.postgresOn(), TestClient.layer)))
  )

  it.live(
    "the whole text of an answer that another process ended waits for the conversation before it locks the answer",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const store = yield* ConversationStore
        const key = yield* newKey
        const answerId = yield* beginAnswer(key, "hello")
        assert.isTrue(yield* store.stop(key))
        const turn = yield* Locks.openTransaction(sql, sql`SELECT FROM conversation FOR NO KEY UPDATE`)
        const parts = [{ type: "text", text: "an answer" }] as const
        const completion = yield* Effect.forkChild(store.complete({ answerId, parts, ending: "stop", usage: null }))
        yield* Locks.untilAwaited(sql)
        const unlocked = yield* count("conversation_message FOR NO KEY UPDATE SKIP LOCKED")
        yield* turn.commit
        assert.strictEqual(unlocked, 2)
        assert.isFalse(yield* Fiber.join(completion))
        const messages = Option.getOrThrow(yield* store.read(key))
        assert.deepStrictEqual(messages.at(-1)?.parts, parts)
      }).pipe(Effect.provide(layers))
  )
})
