import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { RunPayload } from "../../src/chat/AgUiApi.ts"
import * as ClientMessages from "../../src/chat/ClientMessages.ts"
import { CompletionPayload } from "../../src/chat/OpenAiApi.ts"
import * as Fault from "../../src/platform/contract/Fault.ts"

const reader = <A>(schema: Schema.Codec<A, unknown>) => {
  const decode = Schema.decodeUnknownResult(schema, Fault.options)
  return (body: unknown) => Result.mapError(decode(body), ({ issue }) => Fault.fromIssue(issue, ["body"]))
}

const read = reader(Schema.Struct({ messages: ClientMessages.Messages }))

const messagesOf = (messages: unknown) => Result.map(read({ messages }), ({ messages }) => messages)

const textIn = (content: unknown) => Result.map(messagesOf([{ role: "user", content }]), ([message]) => message?.text)

describe("chat/ClientMessages", () => {
  it("reads the text parts of a message's content, and no other parts", () => {
    const image = { type: "image_url", image_url: { url: "https://image.example/" } }
    for (const [content, text] of [
      ["a", "a"],
      [null, ""],
      [undefined, ""],
      [[{ type: "text", text: "a" }, image, { type: "text", text: "b" }], "ab"],
      [[1, null, "c", { type: "text" }, { type: "text", text: 1 }], ""],
      ["\ud83d", "\ufffd"]
    ] as const) {
      assert.deepStrictEqual(textIn(content), Result.succeed(text))
    }
    assert.isTrue(Result.isFailure(textIn({ text: "a" })))
  })

  it("requires a message of the visitor; the newest must have 1 to 8000 characters", () => {
    const conversationOf = (...messages: ReadonlyArray<readonly [role: string, text: string]>) =>
      ClientMessages.conversationOf(messages.map(([role, text]) => ({ id: null, role, text })))
    assert.isTrue(Result.isSuccess(conversationOf(["user", "😀".repeat(8_000)])))
    for (const conversation of [
      conversationOf(["user", "x".repeat(8_001)]),
      conversationOf(["user", "a"], ["user", ""]),
      conversationOf(["system", "a"]),
      conversationOf()
    ]) {
      assert.isTrue(Result.isFailure(conversation))
    }
  })

  it("a body with hundreds of thousands of invalid messages has one error", () => {
    const rest = { threadId: "t", runId: "r" }
    for (const schema of [RunPayload, CompletionPayload] as const) {
      const readBody = reader<unknown>(schema)
      for (const message of [1, {}, { role: 1 }, { role: "user", content: 1 }]) {
        const body = readBody({ ...rest, messages: new Array(300_000).fill(message) })
        assert.lengthOf(Result.getOrThrow(Result.flip(body)), 1)
      }
    }
  })
})
