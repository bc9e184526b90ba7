import { randomUUID } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Effect, Logger, Stream } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import * as ConversationsHttp from "../../src/chat/ConversationsHttp.ts"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import * as InstanceDirectory from "../../src/chat/InstanceDirectory.ts"
import { MessageId } from "../../src/platform/Id.ts"
import * as MemoryConversationStore from "../support/MemoryConversationStore.ts"

it.live(
  "chat/FollowedAnswers: a defect of the store is an error for the readers, and later answers are followed",
  () => {
    const lines: Array<string> = []
    let reads = 0
    return Effect.gen(function* () {
      const store = yield* ConversationStore
      const parts = AnswerParts.fromEvents([{ _tag: "Text", delta: "Hi" }])
      const follow = ConversationsHttp.makeFollower({
        ...store,
        follow: (queries) =>
          ++reads === 1
            ? Effect.die(new Error("the first read"))
            : Effect.succeed(
                new Map(
                  queries.map(({ answerId }) => [answerId, { events: [], next: 0, ended: { ending: "stop", parts } }])
                )
              )
      })
      const read = Effect.suspend(() => Stream.runCollect(follow(MessageId.make(randomUUID()))))
      assert.strictEqual((yield* Effect.flip(read))._tag, "AgentBroken")
      assert.deepStrictEqual(yield* read, [
        { _tag: "Text", delta: "Hi" },
        { _tag: "Finish", reason: "stop" }
      ])
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", /level=WARN.*could not be read; their readers get an error.*the first read/s)
    }).pipe(
      Effect.provide([
        MemoryConversationStore.layer,
        Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))])
      ]),
      Effect.provide(InstanceDirectory.layerMemory())
    )
  }
)
