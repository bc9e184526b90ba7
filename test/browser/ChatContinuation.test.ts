/**
 * How a conversation continues on the next page and in another tab, and how a conversation in the browser's storage, an answer
 * stored by the edge, and suggestions are read.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  type Conversation,
  continuationOf,
  empty,
  encode,
  type Message,
  parse
} from "../../src/browser/chat/ConversationStore.ts"
import { replayStored } from "../../src/browser/chat/Frames.ts"
import { parseSuggestions } from "../../src/browser/chat/Strings.ts"

const Messages = Schema.Array(
  Schema.Struct({
    role: Schema.Literals(["user", "agent"]),
    text: Schema.String,
    id: Schema.optionalKey(Schema.Literals(["a", "b"]))
  })
)

const conversationOf = (messages: ReadonlyArray<Message>, overrides: Partial<Conversation>): Conversation => ({
  ...empty,
  messages,
  ...overrides
})

const question: Message = { role: "user", text: "When?" }
const partial: Message = { role: "agent", text: "From", id: "a", ended: { kind: "cut" } }

const modeOf = (messages: ReadonlyArray<Message>, overrides: Partial<Conversation>, isOfAnotherTab: boolean) =>
  continuationOf(conversationOf(messages, { running: true, ...overrides }), isOfAnotherTab).running?.mode

describe("continuationOf", () => {
  it.prop(
    "loses no message, and continues only a running answer",
    [Messages, Schema.Boolean, Schema.Boolean, Schema.Boolean],
    ([messages, running, memory, isOfAnotherTab]) => {
      const continuation = continuationOf(conversationOf(messages, { running, memory, id: "c" }), isOfAnotherTab)
      const last = continuation.running?.partial
      const all: ReadonlyArray<Message> = [...continuation.messages, ...(last === undefined ? [] : [last])]
      assert.deepStrictEqual<ReadonlyArray<Message>>(all, messages)
      if (!running) assert.isUndefined(continuation.running)
      if (continuation.running !== undefined)
        assert.strictEqual(continuation.messages.at(-1)?.text, continuation.running.question)
    }
  )

  it("resumes a stored answer, resends a message that was not accepted, and shows any other answer as cut", () => {
    const kept = { memory: true, id: "c" }
    assert.strictEqual(modeOf([question, partial], kept, false), "resume")
    assert.strictEqual(modeOf([question], kept, false), "resume")
    assert.strictEqual(modeOf([question], {}, false), "send")
    assert.isUndefined(modeOf([question, partial], { id: "c" }, false))
  })

  it("waits for the other tab unless both can resume the answer", () => {
    assert.strictEqual(modeOf([question, partial], { memory: true, id: "c" }, true), "resume")
    assert.strictEqual(modeOf([question], { memory: true, id: "c" }, true), "wait")
    assert.strictEqual(modeOf([question, partial], { id: "c" }, true), "wait")
  })
})

describe("an encoded conversation", () => {
  const Sources = Schema.Array(Schema.Struct({ url: Schema.String, title: Schema.String }))

  it.prop("survives a round trip", [Messages, Sources, Schema.Boolean], ([messages, sources, flag]) => {
    const conversation = conversationOf(
      messages.map((message) => ({ ...message, ended: undefined, ...(sources.length > 0 && { sources }) })),
      { id: "c", memory: flag, running: !flag, updated: 7, open: flag, draft: "d" }
    )
    assert.deepStrictEqual(JSON.parse(encode(parse(encode(conversation)))), JSON.parse(encode(conversation)))
  })
})

describe("replayStored", () => {
  const read = (messages: ReadonlyArray<Record<string, unknown>>) => {
    const parts: Array<string> = []
    const outcome = replayStored(messages, "When?", "c", {
      onStart: ({ messageId }) => parts.push(messageId),
      onText: (text) => parts.push(text),
      onSource: ({ url }) => parts.push(url),
      onActivity: () => {}
    })
    return [outcome, ...parts]
  }
  const question = { role: "user", parts: [{ type: "text", text: "When?" }] }
  const answer = (ending: string | null) => ({
    id: "a",
    role: "assistant",
    parts: [
      { type: "text", text: "From nine." },
      { type: "source-url", sourceId: "s", url: "https://x.example/" },
      { type: "text", text: "To five." }
    ],
    metadata: { ending }
  })

  it("finds the answer to the question, and how it ended", () => {
    const parts = ["a", "From nine.\n\nTo five.", "https://x.example/"]
    assert.deepStrictEqual(read([question, answer("stop")]), ["done", ...parts])
    assert.deepStrictEqual(read([question, answer("length")]), ["done", ...parts])
    assert.deepStrictEqual(read([question, answer("stopped")]), ["stopped", ...parts])
    for (const ending of ["cut", "failed", "superseded"]) {
      assert.deepStrictEqual(read([question, answer(ending)]), [{ kind: "broken" }, ...parts])
    }
    assert.deepStrictEqual(read([question, answer(null)]), [{ kind: "cut" }, ...parts])
  })

  it("finds no answer unless the last two messages are the question and its answer", () => {
    const other = { role: "user", parts: [{ type: "text", text: "Where?" }] }
    for (const messages of [
      [],
      [question],
      [answer("stop")],
      [other, answer("stop")],
      [question, answer("stop"), other]
    ]) {
      assert.deepStrictEqual(read(messages), ["unknown"])
    }
  })
})

describe("parseSuggestions", () => {
  it.prop("accepts only lists of strings", [Schema.Json], ([json]) => {
    const isList = Array.isArray(json) && json.every((text) => typeof text === "string")
    const suggestions = parseSuggestions(JSON.stringify(json))
    assert.strictEqual(suggestions !== undefined, isList)
    for (const text of suggestions ?? []) assert.match(text, /\S/)
    assert.isAtMost(suggestions?.length ?? 0, 10)
  })

  it("is empty without the attribute, and undefined for invalid JSON", () => {
    assert.deepStrictEqual(parseSuggestions(null), [])
    assert.isUndefined(parseSuggestions("When do you open?"))
  })
})
