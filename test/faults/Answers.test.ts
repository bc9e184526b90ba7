import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { fileURLToPath } from "node:url"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { leaseMillis } from "../../src/chat/conversations/Conversation.ts"
import * as PostgresConversationStore from "../../src/chat/postgres/ConversationStore.ts"
import * as InstanceDirectory from "../../src/chat/postgres/InstanceDirectory.ts"
import { newKey } from "../support/Conversations.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"

const fixture = fileURLToPath(new URL("../chat/postgres/fixtures/answer.ts", import.meta.url))

const options = { timeout: "20 seconds", maxQueue: 1_000 } as const

/** A process that runs an answer; the scope kills it. */
const start = (env: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [fixture], {
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "inherit"]
      })
      let output = ""
      child.stdout.on("data", (data) => {
        output += data
      })
      return { output: () => output, kill: () => child.kill("SIGKILL") }
    }),
    ({ kill }) => Effect.sync(kill)
  )

const LeaseRows = Schema.Tuple([Schema.Struct({ millis: Schema.Finite })])

describe("faults: kill -9 while an answer runs", () => {
  it.live("the answer runs while its process lives, and is cut within ten seconds of the process's death", () =>
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const client = Layer.effect(PgClient.PgClient, TestDatabase.clientOf(connection))
      const layers = Layer.merge(PostgresConversationStore.layer(options), InstanceDirectory.layer()).pipe(
        Layer.provideMerge(client)
      )
      yield* Effect.gen(function* () {
        const store = yield* ConversationStore
        const sql = yield* PgClient.PgClient
        const key = yield* newKey
        const answerId = randomUUID()
        const child = yield* start({
          DATABASE_URL: Redacted.value(connection.url),
          INSTANCE: key.instanceId,
          CONVERSATION: key.conversationId,
          ANSWER: answerId
        })
        const readAnswer = Effect.map(
          store.read(key),
          Option.flatMap((messages) => Option.fromUndefinedOr(messages[1]))
        )
        yield* until("the answer runs for longer than one lease", () => child.output().split("extended").length > 5)
        assert.deepInclude(Option.getOrThrow(yield* readAnswer), { messageId: answerId, ending: null })
        child.kill()
        const rows = yield* sql`SELECT (extract(epoch FROM lease_until - clock_timestamp()) * 1000)::float8 AS millis
          FROM conversation WHERE running = ${answerId}`
        const [{ millis }] = yield* Schema.decodeUnknownEffect(LeaseRows)(rows)
        assert.isAtMost(millis, leaseMillis)
        assert.isAtMost(leaseMillis, 10_000)
        const cut = yield* until("the answer is cut", () =>
          Effect.runPromise(
            Effect.map(readAnswer, (answer) =>
              Option.getOrUndefined(Option.filter(answer, (one) => one.role === "assistant" && one.ending !== null))
            )
          )
        )
        assert.deepInclude(cut, { ending: "cut", parts: [{ type: "text", text: "Hel" }] })
        assert.isTrue(Option.isNone(yield* store.running(key)))
      }).pipe(Effect.provide(layers))
    }).pipe(Effect.scoped)
  )
})
