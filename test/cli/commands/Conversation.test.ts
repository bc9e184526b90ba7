import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Sink, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ConversationStore } from "../../../src/chat/ConversationStore.ts"
import { type ConversationKey, type MessagePart, unknownVisit } from "../../../src/chat/conversations/Conversation.ts"
import type * as Transcript from "../../../src/chat/conversations/Transcript.ts"
import * as Question from "../../../src/chat/Question.ts"
import { Transcripts } from "../../../src/chat/Transcripts.ts"
import * as Id from "../../../src/platform/Id.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import { iso } from "../../../src/platform/text/Calendar.ts"
import { beginAnswer, newKey } from "../../support/Conversations.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres } from "../../support/TestStorage.ts"

const unknown = "11111111-2222-4333-8444-555555555555"
const hostile = "Hi\u001b[2J\u009b!"

/** A conversation stored at noon, with an answer that was stopped and rated down. */
const storeConversation = Effect.fnUntraced(function* (key: ConversationKey) {
  const store = yield* ConversationStore
  yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
  const answerId = yield* beginAnswer(key, hostile)
  yield* TestClock.adjust("1 minute")
  const parts: ReadonlyArray<MessagePart> = [
    { type: "text", text: "Hello" },
    { type: "source-url", sourceId: "source-1", url: "https://a.example/", title: "A" }
  ]
  yield* store.complete({ answerId, parts, ending: "stopped", usage: null })
  yield* store.rate({ key, messageId: answerId, rating: "down", comment: "no" })
  return answerId
})

/** A storage whose conversations are read from this stream. */
const withTranscripts = (
  context: Effect.Success<typeof session>["context"],
  stream: Transcripts["Service"]["stream"]
) =>
  Layer.effect(
    Transcripts,
    Effect.map(Transcripts, (transcripts) => ({ ...transcripts, stream }))
  ).pipe(Layer.provideMerge(Layer.succeedContext(context)))

const session = Effect.gen(function* () {
  const context = yield* Layer.build(onPostgres)
  const services = Layer.succeedContext(context)
  const json = (...args: ReadonlyArray<string>) =>
    Effect.map(run([...args, "--json"], services), ({ code, stderr, stdout }) => {
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      return JSON.parse(stdout)
    })
  const refusal = (...args: ReadonlyArray<string>) =>
    Effect.map(run(args, services), ({ code, stderr, stdout }) => {
      assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "" })
      return stderr
    })
  return { context, services, json, refusal }
})

const expected = (answerId: Id.MessageId) => [
  { role: "user", created_at: "2026-03-01T12:00:00.000Z", parts: [{ type: "text", text: hostile }] },
  {
    id: answerId,
    role: "assistant",
    created_at: "2026-03-01T12:00:00.000Z",
    parts: [
      { type: "text", text: "Hello" },
      { type: "source-url", url: "https://a.example/", title: "A" }
    ],
    ending: "stopped",
    rating: "down",
    comment: "no"
  }
]

const withoutFirstId = ([first, ...rest]: ReadonlyArray<{ readonly id: string }>) => {
  const { id: _, ...message } = first!
  return [message, ...rest]
}

describe("conversation", () => {
  it.effect("a stored conversation is listed, shown, exported and deleted", () =>
    Effect.gen(function* () {
      const { context, services, json, refusal } = yield* session
      const key = yield* Effect.provide(newKey, context)
      const answerId = yield* Effect.provide(storeConversation(key), context)
      const instance = ["--instance", key.instanceId]
      const conversation = [...instance, "--conversation", key.conversationId]
      const times = { created_at: "2026-03-01T12:00:00.000Z", updated_at: "2026-03-01T12:01:00.000Z" }
      const counts = { messages: 2, unanswered: 0, up: 0, down: 1, waiting: false }
      assert.deepStrictEqual(yield* json("conversation", "list", ...instance), {
        conversations: [
          { conversation_id: key.conversationId, ...times, ...unknownVisit, ...counts, preview: hostile }
        ],
        next: null
      })
      const shown = yield* json("conversation", "show", ...conversation)
      assert.deepInclude(shown, { conversation_id: key.conversationId, ...times })
      assert.deepStrictEqual(withoutFirstId(shown.messages), expected(answerId))

      const exported = yield* run(["conversation", "export", ...instance], services)
      assert.match(exported.stdout, /^\{[^\n]+\}\n$/)
      const line = JSON.parse(exported.stdout)
      assert.deepStrictEqual(withoutFirstId(line.messages), expected(answerId))
      assert.deepInclude(line, { conversation_id: key.conversationId, ...times })
      assert.deepStrictEqual(yield* json("conversation", "export", ...instance), [line])
      assert.deepStrictEqual(yield* json("conversation", "export", ...instance, "--since", "2026-03-01T12:01:01Z"), [])

      assert.deepStrictEqual(yield* json("conversation", "delete", ...conversation), {
        conversation_id: key.conversationId,
        deleted: true
      })
      for (const command of ["show", "delete"]) {
        assert.strictEqual(
          yield* refusal("conversation", command, ...conversation),
          `There is no conversation ${key.conversationId}; \`hydracore conversation list --instance <instance_id>\` lists them.\n`
        )
      }
      assert.strictEqual(
        (yield* run(["conversation", "list", ...instance], services)).stdout,
        "The instance has no conversations.\n"
      )
    })
  )

  it.effect("the table has the name of the source, and the beginning of a long page", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Layer.merge(onPostgres, TestClient.layer))
      const key = yield* Effect.provide(newKey, context)
      yield* Effect.provide(storeConversation(key), context)
      const page = `/tours/${"long-".repeat(20)}`
      const visit = { page, source: "www.google.com", country: "NO" }
      const sql = Context.get(context, PgClient.PgClient)
      yield* sql`UPDATE conversation SET page = ${page}, source = ${visit.source}, country = ${visit.country}
        WHERE conversation_id = ${key.conversationId}`
      const command = ["conversation", "list", "--instance", key.instanceId]
      const { stdout } = yield* run(command, Layer.succeedContext(context))
      assert.match(stdout, / {2}2 +\/tours\/long-[a-z-]+… {2}Google {2}NO\n$/)
      assert.notInclude(stdout, page)
    })
  )

  it.effect("text output names the roles and escapes control characters", () =>
    Effect.gen(function* () {
      const { context, services } = yield* session
      const key = yield* Effect.provide(newKey, context)
      yield* Effect.provide(storeConversation(key), context)
      const conversation = ["--instance", key.instanceId, "--conversation", key.conversationId]
      const { stdout } = yield* run(["conversation", "show", ...conversation], services)
      assert.strictEqual(
        stdout,
        "2026-03-01 12:00:00 UTC  visitor\n  Hi\\u001b[2J\\u009b!\n\n" +
          "2026-03-01 12:00:00 UTC  agent (stopped, rated down)\n  Hello\n  Source: https://a.example/\n  Comment: no\n"
      )
      for (const args of [
        ["show", ...conversation, "--json"],
        ["export", "--instance", key.instanceId]
      ]) {
        const output = yield* run(["conversation", ...args], services)
        assert.notMatch(output.stdout, /[\u001b\u009b]/)
        assert.include(JSON.stringify(JSON.parse(output.stdout)), JSON.stringify(hostile).slice(1, -1))
      }
    })
  )

  it.effect("a conversation id that a client chose works only with the instance of the conversation", () =>
    Effect.gen(function* () {
      const { context, json, refusal } = yield* session
      const { instanceId } = yield* Effect.provide(newKey, context)
      const other = yield* Effect.provide(newKey, context)
      const clientId = "a client's id, ü"
      const hashKey = yield* Effect.provide(
        ConversationStore.use((store) => store.hashKey),
        context
      )
      const conversationId = Question.ofClientId(hashKey, instanceId, clientId)
      yield* Effect.provide(beginAnswer({ instanceId, conversationId }, "one"), context)
      const shown = yield* json("conversation", "show", "--instance", instanceId, "--conversation", clientId)
      assert.strictEqual(shown.conversation_id, conversationId)
      for (const id of [clientId, conversationId]) {
        assert.strictEqual(
          yield* refusal("conversation", "delete", "--instance", other.instanceId, "--conversation", id),
          `There is no conversation ${id}; \`hydracore conversation list --instance <instance_id>\` lists them.\n`
        )
      }
      yield* json("conversation", "delete", "--instance", instanceId, "--conversation", clientId)
      assert.deepStrictEqual(yield* json("conversation", "list", "--instance", instanceId), {
        conversations: [],
        next: null
      })
    })
  )

  it.effect("a list says if it is truncated; an unknown instance is an error", () =>
    Effect.gen(function* () {
      const { context, services, json, refusal } = yield* session
      const { instanceId } = yield* Effect.provide(newKey, context)
      const keys = Array.from({ length: 3 }, () => ({
        instanceId,
        conversationId: Id.ConversationId.make(randomUUID())
      }))
      for (const key of keys) yield* Effect.provide(storeConversation(key), context)
      const list = ["conversation", "list", "--instance", instanceId, "--limit"]
      assert.lengthOf((yield* json(...list, "2")).conversations, 2)
      assert.isNotNull((yield* json(...list, "2")).next)
      assert.match(
        (yield* run([...list, "2"], services)).stdout,
        /\nThere may be more: raise --limit, or use `[^`]+`\.\n$/
      )
      assert.notInclude((yield* run([...list, "4"], services)).stdout, "more")
      const conversation = ["--conversation", unknown]
      for (const command of [["list"], ["export"], ["show", ...conversation], ["delete", ...conversation]]) {
        assert.strictEqual(
          yield* refusal("conversation", ...command, "--instance", unknown),
          `There is no instance ${unknown}; \`hydracore instance list\` lists them.\n`
        )
      }
      assert.match(
        yield* refusal("conversation", "export", "--instance", instanceId, "--since", "soon"),
        /--since must/
      )
    })
  )

  it.effect("an export is streamed and stops when its reader closes stdout", () =>
    Effect.gen(function* () {
      const { context } = yield* session
      const { instanceId } = yield* Effect.provide(newKey, context)
      let read = 0
      const conversation = (number: number): Transcript.Transcript => ({
        conversation_id: Id.ConversationId.make(String(number)),
        created_at: iso(number),
        updated_at: iso(number),
        ...unknownVisit,
        messages: [{ id: randomUUID(), role: "user", parts: [{ type: "text", text: "a" }], created_at: iso(number) }]
      })
      const endless = withTranscripts(context, () =>
        Stream.iterate(1, (number) => number + 1).pipe(
          Stream.rechunk(1),
          Stream.tap(() => Effect.sync(() => read++)),
          Stream.map(conversation)
        )
      )
      const lines: Array<string> = []
      const stdout = Sink.forEachWhile((part: string | Uint8Array) =>
        Effect.sync(() => {
          lines.push(String(part))
          return lines.length < 10
        })
      )
      const { code } = yield* run(["conversation", "export", "--instance", instanceId], endless, { stdout })
      assert.strictEqual(code, 0)
      assert.isAtLeast(lines.length, 10)
      assert.isBelow(read, 100)
      const ids = lines.map((line) => JSON.parse(line).conversation_id)
      assert.deepStrictEqual(
        ids,
        ids.map((_, index) => String(index + 1))
      )
    })
  )

  it.effect("an export that the store breaks off ends with the error of the store", () =>
    Effect.gen(function* () {
      const { context } = yield* session
      const { instanceId } = yield* Effect.provide(newKey, context)
      const broken = withTranscripts(context, () =>
        Stream.concat(
          Stream.succeed({
            conversation_id: Id.ConversationId.make("a"),
            created_at: iso(0),
            updated_at: iso(0),
            ...unknownVisit,
            messages: []
          }),
          Stream.fail(new StorageUnavailable({ reason: "timeout" }))
        )
      )
      const { code, stderr, stdout } = yield* run(["conversation", "export", "--instance", instanceId], broken)
      assert.deepStrictEqual([code, stderr], [1, "The database did not answer in time; try again in a moment.\n"])
      assert.lengthOf(stdout.split("\n"), 2)
    })
  )
})
