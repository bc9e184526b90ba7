/** Chats over a real socket, on either storage. */
import { assert, layer, type Vitest } from "@effect/vitest"
import { Effect, Option } from "effect"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import { detailOf, uuid } from "../support/ResponseParts.ts"
import { type Storage, storages } from "../support/Storages.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  it.effect("streams the agent's answer", () =>
    Effect.gen(function* () {
      const { instance, send, widgetToken } = yield* TestServer
      const headers = { "x-widget-token": widgetToken }
      const answer = yield* send(paths.chat(instance.instance_id), { message: "hi" }, { headers })
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers.get("content-type"), "text/event-stream")
      assert.strictEqual(answer.headers.get("cache-control"), "no-cache, no-transform")
      assert.strictEqual(answer.headers.get("x-accel-buffering"), "no")
      assert.strictEqual(answer.headers.get("x-vercel-ai-ui-message-stream"), "v1")
      assert.notInclude(answer.text, "\r")
      const data = answer.text.split("\n\n").filter((frame) => frame.startsWith("data: "))
      assert.strictEqual(data.at(-1), "data: [DONE]")
      const frames = data.slice(0, -1).map((frame) => JSON.parse(frame.slice(6)) as Record<string, unknown>)
      assert.deepStrictEqual(
        frames.map(({ type }) => type),
        ["start", "text-start", "text-delta", "text-delta", "text-end", "finish"]
      )
      const { conversation_id } = frames[0]!["messageMetadata"] as { conversation_id: string }
      assert.match(conversation_id, uuid)
    })
  )

  it.effect("continues the given conversation, and starts one for an empty id", () =>
    Effect.gen(function* () {
      const { instance, send, widgetToken } = yield* TestServer
      const headers = { "x-widget-token": widgetToken }
      const ask = (conversation_id: string) =>
        send(paths.chat(instance.instance_id), { message: "hi", conversation_id }, { headers })
      assert.include((yield* ask("c:1")).text, '"messageMetadata":{"conversation_id":"c:1","memory":false}')
      assert.notInclude((yield* ask("")).text, '"conversation_id":""')
    })
  )

  it.effect("gives every unauthorized request the same response", () =>
    Effect.gen(function* () {
      const { instance, send, widgetToken } = yield* TestServer
      const tokens = yield* WidgetTokens
      const unknown = "72771e6a-6f5e-4de4-a5b9-1266c4197811"
      const revoked = Option.getOrThrow(
        yield* tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
      )
      yield* tokens.revoke({ reach: "all", tokenId: revoked.token_id, instanceId: null })
      const expired = Option.getOrThrow(
        yield* tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: 1 })
      )
      const attempts: ReadonlyArray<readonly [string, string | undefined]> = [
        [instance.instance_id, undefined],
        [instance.instance_id, ""],
        [instance.instance_id, "hwt_wrong"],
        [instance.instance_id, `hwt_${"A".repeat(43)}`],
        [instance.instance_id, revoked.token],
        [instance.instance_id, expired.token],
        [unknown, widgetToken],
        [unknown, undefined]
      ]
      const answers = new Set<string>()
      for (const [instanceId, token] of attempts) {
        const headers = token === undefined ? {} : { "x-widget-token": token }
        const answer = yield* send(paths.chat(instanceId), { message: "hi" }, { headers })
        assert.strictEqual(answer.status, 401)
        answers.add(answer.text)
      }
      assert.strictEqual(answers.size, 1)
    })
  )

  it.effect("lists the errors of the path and the body together, but does not parse a large body", () =>
    Effect.gen(function* () {
      const { send } = yield* TestServer
      const located = (answer: { readonly json: unknown }) =>
        (detailOf(answer.json) as ReadonlyArray<{ readonly loc: unknown }>).map(({ loc }) => loc)
      const body = { message: 1, conversation_id: 2 }
      const answer = yield* send(paths.chat("x"), body)
      assert.strictEqual(answer.status, 422)
      assert.deepStrictEqual(located(answer), [
        ["path", "instance_id"],
        ["body", "message"],
        ["body", "conversation_id"]
      ])
      const large = yield* send(paths.chat("x"), { ...body, more: "x".repeat(20_000) })
      assert.strictEqual(large.status, 422)
      assert.deepStrictEqual(located(large), [["path", "instance_id"]])
      const long = yield* send(paths.chat("a".repeat(4000)), { message: "hi" })
      assert.strictEqual(long.status, 422)
      assert.isBelow(long.text.length, 1000)
    })
  )
}

for (const [name, storage] of storages) {
  layer(testServer({}, undefined, undefined, storage({})), { excludeTestServices: true })(`http: chat ${name}`, suite)
}
