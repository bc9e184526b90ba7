import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Option, Stream } from "effect"
import type * as Transcript from "../../../src/chat/conversations/Transcript.ts"
import * as ConversationStore from "../../../src/chat/postgres/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as Transcripts from "../../../src/chat/postgres/Transcripts.ts"
import * as Service from "../../../src/chat/Transcripts.ts"
import * as Id from "../../../src/platform/Id.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import type { Position } from "../../../src/platform/text/Cursor.ts"
import { suite } from "../../suites/Transcripts.ts"
import { beginAnswer, newKey } from "../../support/Conversations.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import { postgres } from "../../support/Storages.ts"

suite("chat/postgres/Transcripts", Layer.merge(postgres(), TestClient.layer))

const timeout = "20 seconds" as const

describe("chat/postgres/Transcripts: connections", () => {
  it.live("reads and exports while requests of visitors use all connections of their pool", () =>
    Effect.gen(function* () {
      const { url } = yield* TestDatabase.connection
      const live = Layer.mergeAll(
        InstanceDirectory.layer(),
        ConversationStore.layer({ timeout, maxQueue: 100 }),
        Transcripts.layer
      ).pipe(Layer.provideMerge(Database.layer({ url, connections: 1 })))
      yield* Effect.gen(function* () {
        const pool = yield* PgClient.PgClient
        const transcripts = yield* Service.Transcripts
        const key = yield* newKey
        yield* beginAnswer(key, "hello")
        const areAllUsed = yield* Deferred.make<void>()
        yield* pool`SELECT 1`.pipe(
          Effect.andThen(Deferred.succeed(areAllUsed, undefined)),
          Effect.andThen(Effect.never),
          pool.withTransaction,
          Effect.forkScoped
        )
        yield* Deferred.await(areAllUsed)
        assert.isTrue(Option.isSome(yield* transcripts.find("all", key)))
        assert.lengthOf(
          yield* Stream.runCollect(transcripts.stream({ reach: "all", instanceId: key.instanceId, filter: {} })),
          1
        )
        assert.isTrue(
          Option.isNone(
            yield* transcripts.find("all", { ...key, conversationId: Id.ConversationId.make(randomUUID()) })
          )
        )
      }).pipe(Effect.scoped, Effect.provide(live))
    }).pipe(Effect.scoped)
  )
})

it.live("chat/postgres/Transcripts: a list counts an answer that its process left, like the conversation itself", () =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const transcripts = yield* Service.Transcripts
    const key = yield* newKey
    yield* beginAnswer(key, "hello")
    const unanswered = Effect.map(
      transcripts.list({
        reach: "all",
        instanceId: key.instanceId,
        filter: { unanswered: true },
        after: null,
        limit: 1
      }),
      ({ items }) => items.map(({ conversation_id }) => conversation_id)
    )
    assert.deepStrictEqual(yield* unanswered, [])
    yield* sql`UPDATE conversation SET lease_until = now() - interval '1 second'`
    const found = Option.getOrThrow(yield* transcripts.find("all", key))
    assert.deepStrictEqual(
      found.messages.map((message) => (message.role === "assistant" ? message.ending : "")),
      ["", "cut"]
    )
    assert.deepStrictEqual(yield* unanswered, [key.conversationId])
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        InstanceDirectory.layer(),
        ConversationStore.layer({ timeout, maxQueue: 100 }),
        Transcripts.layer
      ).pipe(Layer.provideMerge(TestClient.layer))
    )
  )
)

it.live("chat/postgres/Transcripts: lists and exports have each conversation once, also those of one microsecond", () =>
  Effect.gen(function* () {
    const [sql, transcripts] = [yield* PgClient.PgClient, yield* Service.Transcripts]
    const { instanceId } = yield* newKey
    const ids = Array.from({ length: 101 }, () => Id.ConversationId.make(randomUUID())).toSorted()
    yield* Effect.forEach(ids, (conversationId) => beginAnswer({ instanceId, conversationId }, "hello"), {
      concurrency: "unbounded"
    })
    const time = PgTypes.timestamptz(Date.parse("2026-01-31T08:00:00Z"))
    yield* sql`UPDATE conversation SET created_at = ${time} + interval '500 microseconds',
      updated_at = ${time} + interval '500 microseconds' WHERE instance_id = ${instanceId}`
    const listed = (filter: Transcript.ListFilter) =>
      Stream.paginate(null as Position | null, (after) =>
        Effect.map(transcripts.list({ reach: "all", instanceId, filter, after, limit: 40 }), ({ items, next }) => [
          items.map(({ conversation_id }) => conversation_id),
          Option.fromNullishOr(next)
        ])
      ).pipe(Stream.runCollect)
    assert.deepStrictEqual(yield* listed({}), ids.toReversed())
    assert.deepStrictEqual(yield* listed({ search: "hello" }), ids.toReversed())
    const exported = yield* Stream.runCollect(transcripts.stream({ reach: "all", instanceId, filter: {} }))
    assert.deepStrictEqual(
      exported.map(({ conversation_id }) => conversation_id),
      ids
    )
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        InstanceDirectory.layer(),
        ConversationStore.layer({ timeout, maxQueue: 1_000 }),
        Transcripts.layer
      ).pipe(Layer.provideMerge(TestClient.layer))
    )
  )
)
