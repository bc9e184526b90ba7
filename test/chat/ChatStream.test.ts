import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { ChatFrame } from "../../src/chat/ChatFrame.ts"
import * as ChatStream from "../../src/chat/ChatStream.ts"
import { uiMessageStream } from "../../src/chat/ChatStream.ts"
import { Event, Piece, Text, toEvent } from "../support/ChatEvents.ts"

const decode = Schema.decodeSync(Schema.fromJsonString(ChatFrame), { onExcessProperty: "error" })

/** The frames of a text, decoded by the schema of the contract. `[DONE]` becomes a frame of the type `DONE`. */
const frames = (text: string) => {
  if (text === "") return []
  assert.isTrue(text.endsWith("\n\n"))
  assert.notInclude(text, "\r")
  return text
    .slice(0, -2)
    .split("\n\n")
    .map((block) => {
      assert.isTrue(block.startsWith("data: ") && !block.includes("\n"), block)
      const data = block.slice("data: ".length)
      return data === "[DONE]" ? ({ type: "DONE" } as const) : decode(data)
    })
}

/** The order of frames. Sources and activities, which may be between any two frames, are removed before the match. */
const shape = /^(start (text-start (text-delta )+text-end )*(text-start (text-delta )+)?)?((error )?finish DONE )?$/

const deltas = (list: ReturnType<typeof frames>) =>
  list.flatMap((frame) => (frame.type === "text-delta" ? [frame.delta] : []))

const initial = (maxBytes = 1_000_000) =>
  ChatStream.initial({
    messageId: "m-1",
    dialect: uiMessageStream({ messageId: "m-1", conversationId: "c-1", memory: true }),
    maxBytes
  })

describe("ChatStream", () => {
  it.prop(
    "any events in any order give a well-formed stream or the beginning of one",
    [Schema.Array(Event)],
    ([list]) => {
      const events = list.map(toEvent)
      const [state, text] = ChatStream.encodeAll(initial(), events)
      const types = frames(text).map(({ type }) => `${type} `)
      const textTypes = types.filter((type) => type !== "source-url " && type !== "data-activity ").join("")
      const isEnded = events.some((event) => event._tag === "Finish" || event._tag === "Failed")
      assert.match(textTypes, shape)
      if (isEnded) assert.notMatch(textTypes, /text-delta (error|finish)/)
      if (types.length > 0) assert.strictEqual(types[0], "start ")
      assert.strictEqual(ChatStream.isEnded(state), isEnded)
      assert.strictEqual(types.at(-1) === "DONE ", isEnded)
    }
  )

  it.prop(
    "the first ending decides the finish, and a failure shows its sentence and nothing else",
    [Schema.Array(Text), Event],
    ([texts, last]) => {
      const [state, text] = ChatStream.encodeAll(initial(), [
        ...texts.map(toEvent),
        toEvent(last),
        { _tag: "Finish", reason: "other" }
      ])
      const list = frames(text)
      const errors = list.filter(({ type }) => type === "error")
      const finishes = list.flatMap((frame) => (frame.type === "finish" ? [frame.finishReason] : []))
      if (last._tag === "Failed") {
        assert.deepStrictEqual(errors, [{ type: "error", errorText: ChatStream.sentences[last.failure] }])
        assert.deepStrictEqual(finishes, ["error"])
        assert.strictEqual(state.failure, last.failure)
      } else {
        assert.deepStrictEqual(errors, [])
        assert.deepStrictEqual(finishes, [last._tag === "Finish" ? last.reason : "other"])
        assert.isNull(state.failure)
      }
    }
  )

  it.prop(
    "the joined deltas are the agent's text made well-formed, and each delta is well-formed",
    [Schema.Array(Piece)],
    ([pieces]) => {
      const texts = pieces.map((piece) => piece.join(""))
      const [, text] = ChatStream.encodeAll(initial(), [
        { _tag: "Accepted" },
        ...texts.map((delta) => ({ _tag: "Text", delta }) as const),
        { _tag: "Finish", reason: "stop" }
      ])
      const sent = deltas(frames(text))
      assert.strictEqual(sent.join(""), texts.join("").toWellFormed())
      for (const delta of sent) assert.isTrue(delta !== "" && delta.isWellFormed())
    }
  )

  it.prop(
    "the sent text has at most the maximum length, and is the agent's text or, after `too-much`, its beginning",
    [Schema.Array(Piece), Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 39 }))],
    ([pieces, maxBytes]) => {
      const texts = pieces.map((piece) => piece.join(""))
      const [state, text] = ChatStream.encodeAll(initial(maxBytes), [
        ...texts.map((delta) => ({ _tag: "Text", delta }) as const),
        { _tag: "Finish", reason: "stop" }
      ])
      const sent = deltas(frames(text)).join("")
      const complete = texts.join("").toWellFormed()
      assert.isAtMost(Buffer.byteLength(sent), maxBytes)
      assert.strictEqual(state.failure, Buffer.byteLength(complete) <= maxBytes ? null : "too-much")
      if (state.failure === null) assert.strictEqual(sent, complete)
      else assert.isTrue(complete.startsWith(sent.replace(/\uFFFD$/, "")))
    }
  )

  it.prop("encoding events one at a time or all at once gives the same stream", [Schema.Array(Event)], ([list]) => {
    const events = list.map(toEvent)
    const begin = initial()
    let state = begin
    const parts = events.map((event) => {
      const [next, text] = ChatStream.encode(state, event)
      state = next
      return text
    })
    assert.deepStrictEqual([state, parts.join("")], [...ChatStream.encodeAll(begin, events)])
  })

  it("encodes frames of the AI SDK's UI message stream", () => {
    const [, text] = ChatStream.encodeAll(initial(), [
      { _tag: "Accepted" },
      { _tag: "Text", delta: "Hel\n" },
      { _tag: "Text", delta: "lo" },
      { _tag: "Finish", reason: "stop" }
    ])
    assert.strictEqual(
      text,
      'data: {"type":"start","messageId":"m-1","messageMetadata":{"conversation_id":"c-1","memory":true}}\n\n' +
        'data: {"type":"text-start","id":"m-1"}\n\n' +
        'data: {"type":"text-delta","id":"m-1","delta":"Hel\\n"}\n\n' +
        'data: {"type":"text-delta","id":"m-1","delta":"lo"}\n\n' +
        'data: {"type":"text-end","id":"m-1"}\n\n' +
        'data: {"type":"finish","finishReason":"stop"}\n\n' +
        "data: [DONE]\n\n"
    )
  })

  it.prop(
    "each text part has its own id, and its deltas are between its start and its end",
    [Schema.Array(Event)],
    ([list]) => {
      const open = new Set<string>()
      const ended = new Set<string>()
      for (const frame of frames(ChatStream.encodeAll(initial(), list.map(toEvent))[1])) {
        if (frame.type === "text-start") {
          assert.isTrue(open.size === 0 && !ended.has(frame.id))
          open.add(frame.id)
        } else if (frame.type === "text-delta") assert.isTrue(open.has(frame.id))
        else if (frame.type === "text-end") {
          assert.isTrue(open.delete(frame.id))
          ended.add(frame.id)
        }
      }
    }
  )

  it.prop("sends every source with a unique id", [Schema.Array(Event)], ([list]) => {
    const events = list.map(toEvent)
    const end = events.findIndex(({ _tag }) => _tag === "Finish" || _tag === "Failed")
    const expected = events
      .slice(0, end < 0 ? events.length : end)
      .flatMap((event) => (event._tag === "Source" ? [{ url: event.url, title: event.title ?? undefined }] : []))
    const sent = frames(ChatStream.encodeAll(initial(), events)[1]).flatMap((frame) =>
      frame.type === "source-url" ? [frame] : []
    )
    assert.deepStrictEqual(
      sent.map(({ title, url }) => ({ url, title })),
      expected
    )
    assert.strictEqual(new Set(sent.map(({ sourceId }) => sourceId)).size, sent.length)
  })

  it("shows each change of the agent's activity, and separates the texts around a tool", () => {
    const [, text] = ChatStream.encodeAll(initial(), [
      { _tag: "Accepted" },
      { _tag: "Reasoning", delta: "" },
      { _tag: "Reasoning", delta: "hm" },
      { _tag: "Text", delta: "Let me look." },
      { _tag: "Tool", id: "1", name: "web_search", state: "running" },
      { _tag: "Tool", id: "1", name: "web_search", state: "done" },
      { _tag: "Source", url: "https://example.com/", title: "Example" },
      { _tag: "Text", delta: "Found." },
      { _tag: "Usage", inputTokens: 1, outputTokens: 2 },
      { _tag: "Finish", reason: "stop" }
    ])
    assert.deepStrictEqual(frames(text).slice(1), [
      { type: "data-activity", data: { activity: "thinking" }, transient: true },
      { type: "text-start", id: "m-1" },
      { type: "text-delta", id: "m-1", delta: "Let me look." },
      { type: "text-end", id: "m-1" },
      { type: "data-activity", data: { activity: "searching" }, transient: true },
      { type: "source-url", sourceId: "m-1-source-1", url: "https://example.com/", title: "Example" },
      { type: "text-start", id: "m-1-1" },
      { type: "text-delta", id: "m-1-1", delta: "Found." },
      { type: "text-end", id: "m-1-1" },
      { type: "finish", finishReason: "stop" },
      { type: "DONE" }
    ])
  })

  it("a refusal is encoded as a text", () => {
    const [, text] = ChatStream.encodeAll(initial(), [
      { _tag: "Refusal", delta: "I cannot " },
      { _tag: "Refusal", delta: "do that." },
      { _tag: "Finish", reason: "stop" }
    ])
    assert.strictEqual(deltas(frames(text)).join(""), "I cannot do that.")
  })

  it("a comment is not a frame, and no blank line follows it", () => {
    assert.match(ChatStream.comment, /^:[^\n]*\n$/)
    assert.isTrue(Option.isNone(Schema.decodeOption(Schema.fromJsonString(ChatFrame))(ChatStream.comment)))
  })
})
