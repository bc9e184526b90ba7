import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Effect, Layer, Option, Schema, Stream } from "effect"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { AgentBroken } from "../../src/chat/AgentStream.ts"
import type { AgentEvent, ModelMessage } from "../../src/chat/agent/Agent.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import * as Id from "../../src/platform/Id.ts"
import { StorageUnavailable } from "../../src/platform/Storage.ts"
import { beginAndLeave } from "../support/ChatVisit.ts"
import type { Storage } from "../support/Storages.ts"
import * as TestServer from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

interface RecordedRequest {
  readonly session: string
  readonly messages: ReadonlyArray<ModelMessage>
}

const Start = Schema.fromJsonString(
  Schema.Struct({ messageMetadata: Schema.Struct({ conversation_id: Schema.String, memory: Schema.Boolean }) })
)

/** The text of a stream, and the metadata of its first frame. */
const read = (stream: string) => {
  const frames = stream.split("\n\n").filter((frame) => frame.startsWith("data: "))
  const deltas = [...stream.matchAll(/"delta":("(?:[^"\\]|\\.)*")/g)].map(([, text]) => JSON.parse(text!) as string)
  const start = Schema.decodeUnknownSync(Start)(frames[0]!.slice("data: ".length))
  return { ...start.messageMetadata, text: deltas.join(""), isDone: frames.at(-1) === "data: [DONE]", frames }
}

const chat = Effect.fnUntraced(function* (message: string, conversationId?: string) {
  const { instance, send, widgetToken } = yield* TestServer.TestServer
  return yield* send(
    `/v1/public/widget/${instance.instance_id}/chat`,
    { message, ...(conversationId === undefined ? {} : { conversation_id: conversationId }) },
    { headers: { "x-widget-token": widgetToken } }
  )
})

/** An agent that repeats the message, or does what the message says, and records its requests. */
const recorder = () => {
  const requests: Array<RecordedRequest> = []
  const script: ScriptedAgent.Script = ({ message, session, messages }) => {
    requests.push({ session, messages })
    if (message === "break") {
      return Stream.concat(
        Stream.take(ScriptedAgent.texts(["half an answer"]), 2),
        Stream.fail(new AgentBroken({ reason: "test" }))
      )
    }
    return ScriptedAgent.texts(["You said ", message])
  }
  return { requests, script }
}

describe("chat with memory", () => {
  const agent = recorder()
  layer(TestServer.layer({}, agent.script, undefined, undefined, "edge"), { excludeTestServices: true })((it) => {
    it.effect("the second message reaches the agent with the first turn, under the same session", () =>
      Effect.gen(function* () {
        const first = read((yield* chat("hello")).text)
        assert.deepInclude(first, { text: "You said hello", memory: true, isDone: true })
        const second = read((yield* chat("again", first.conversation_id)).text)
        assert.deepInclude(second, { text: "You said again", conversation_id: first.conversation_id })
        const [firstRequest, secondRequest] = agent.requests.slice(-2)
        assert.deepStrictEqual(firstRequest!.messages, [{ role: "user", text: "hello" }])
        assert.deepStrictEqual(secondRequest!.messages, [
          { role: "user", text: "hello" },
          { role: "assistant", text: "You said hello" },
          { role: "user", text: "again" }
        ])
        assert.strictEqual(firstRequest!.session, secondRequest!.session)
        assert.notInclude(firstRequest!.session, first.conversation_id)
        assert.isAtMost(firstRequest!.session.length, 64)
      })
    )

    it.effect("an id that the service did not issue has no memory, and a new session for each message", () =>
      Effect.gen(function* () {
        for (const _ of [1, 2]) {
          const answer = read((yield* chat("hello", "my-own-id")).text)
          assert.deepInclude(answer, { text: "You said hello", memory: false, conversation_id: "my-own-id" })
        }
        const [first, second] = agent.requests.slice(-2)
        assert.deepStrictEqual(second!.messages, [{ role: "user", text: "hello" }])
        assert.notStrictEqual(first!.session, second!.session)
      })
    )

    it.effect("an id that an application generates has memory if the operator trusts such ids", () =>
      Effect.gen(function* () {
        const { instance } = yield* TestServer.TestServer
        const instances = yield* InstanceDirectory
        yield* instances.update(instance.instance_id, { conversation_ids: "client" })
        const id = "an id of 16 characters or more"
        for (const message of ["one", "two"]) assert.isTrue(read((yield* chat(message, id)).text).memory)
        assert.lengthOf(agent.requests.at(-1)!.messages, 3)
        assert.isFalse(read((yield* chat("three", "short")).text).memory)
        yield* instances.update(instance.instance_id, { conversation_ids: "service" })
      })
    )

    it.effect("the next request includes the text of a broken answer", () =>
      Effect.gen(function* () {
        const broken = read((yield* chat("break")).text)
        assert.include(broken.frames.at(-3), "The answer was interrupted.")
        yield* chat("go on", broken.conversation_id)
        assert.deepStrictEqual(agent.requests.at(-1)!.messages.slice(0, 2), [
          { role: "user", text: "break" },
          { role: "assistant", text: "half an answer" }
        ])
        const store = yield* ConversationStore
        const { instance } = yield* TestServer.TestServer
        const key = { instanceId: instance.instance_id, conversationId: Id.ConversationId.make(broken.conversation_id) }
        const messages = Option.getOrThrow(yield* store.read(key))
        assert.deepStrictEqual(
          messages.map((message) => (message.role === "assistant" ? message.ending : null)),
          [null, "failed", null, "stop"]
        )
      })
    )
  })
})

describe("an answer of a conversation with memory", () => {
  const gate = Deferred.makeUnsafe<void>()
  /** How many streams of the agent have ended. */
  let endedCount = 0
  const accepted: AgentEvent = { _tag: "Accepted" }
  const text = (delta: string): AgentEvent => ({ _tag: "Text", delta })
  const script: ScriptedAgent.Script = ({ message }) =>
    message === "slow"
      ? Stream.fromIterable([accepted, text("begun")]).pipe(
          Stream.concat(Stream.fromEffect(Effect.as(Deferred.await(gate), text(" and done")))),
          Stream.concat(Stream.succeed<AgentEvent>({ _tag: "Finish", reason: "stop" })),
          Stream.ensuring(Effect.sync(() => endedCount++))
        )
      : message === "endless"
        ? Stream.concat(Stream.fromIterable([accepted, text("on and on")]), Stream.never).pipe(
            Stream.ensuring(Effect.sync(() => endedCount++))
          )
        : ScriptedAgent.texts(["ok"])

  layer(TestServer.layer({}, script, undefined, undefined, "edge"), { excludeTestServices: true })((it) => {
    it.effect("continues when its visitor leaves, and is stored completely", () =>
      Effect.gen(function* () {
        const { instance } = yield* TestServer.TestServer
        const store = yield* ConversationStore
        const key = {
          instanceId: instance.instance_id,
          conversationId: Id.ConversationId.make(yield* beginAndLeave("slow"))
        }
        assert.isTrue(Option.isSome(yield* store.running(key)))
        yield* Deferred.succeed(gate, undefined)
        yield* until("the end", () => endedCount === 1)
        const answer = yield* Effect.repeat(
          Effect.map(store.read(key), (messages) => Option.getOrThrow(messages).at(-1)),
          {
            until: (message) => message?.role === "assistant" && message.ending !== null
          }
        )
        assert.deepInclude(answer, { ending: "stop", parts: [{ type: "text", text: "begun and done" }] })
      })
    )

    it.effect("ends with the visitor's next message, which is answered", () =>
      Effect.gen(function* () {
        const before = endedCount
        const conversationId = Id.ConversationId.make(yield* beginAndLeave("endless"))
        assert.deepInclude(read((yield* chat("next", conversationId)).text), { text: "ok", isDone: true })
        assert.strictEqual(endedCount, before + 1)
        const { instance } = yield* TestServer.TestServer
        const messages = yield* ConversationStore.use((store) =>
          store.read({ instanceId: instance.instance_id, conversationId })
        )
        assert.deepStrictEqual(
          Option.getOrThrow(messages).flatMap((message) => (message.role === "assistant" ? [message.ending] : [])),
          ["superseded", "stop"]
        )
      })
    )
  })
})

describe("a chat whose store is unavailable", () => {
  const unavailable = Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
  const withBrokenStore = (storage: Layer.Layer<Storage>) =>
    Layer.merge(
      storage,
      Layer.effect(
        ConversationStore,
        Effect.map(ConversationStore, (store) => ConversationStore.of({ ...store, begin: () => unavailable }))
      ).pipe(Layer.provide(storage))
    )
  layer(TestServer.layer({}, undefined, withBrokenStore, undefined, "edge"), { excludeTestServices: true })((it) => {
    it.effect("gets a 503 before the first frame", () =>
      Effect.gen(function* () {
        const answer = yield* chat("hello")
        assert.strictEqual(answer.status, 503)
        assert.isNotNull(answer.headers.get("retry-after"))
      })
    )
  })
})
