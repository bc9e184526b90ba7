import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as ChatStream from "../../../src/core/chat/ChatStream.ts"

const Frame = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({
      type: Schema.Literal("start"),
      messageId: Schema.String,
      messageMetadata: Schema.Struct({ conversation_id: Schema.String, memory: Schema.Boolean })
    }),
    Schema.Struct({ type: Schema.Literals(["text-start", "text-end"]), id: Schema.String }),
    Schema.Struct({ type: Schema.Literal("text-delta"), id: Schema.String, delta: Schema.String }),
    Schema.Struct({ type: Schema.Literal("error"), errorText: Schema.String }),
    Schema.Struct({
      type: Schema.Literal("finish"),
      finishReason: Schema.Literals(["stop", "length", "content-filter", "tool-calls", "other", "error"])
    })
  ])
)
const decode = Schema.decodeSync(Frame)

/** The frames of a text, read by the rules of the wire alone; `DONE` stands for `[DONE]`. */
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

const shape = /^(start (text-start (text-delta )+(text-end |$)|))?((error )?finish DONE )?$/

const deltas = (list: ReturnType<typeof frames>) =>
  list.flatMap((one) => (one.type === "text-delta" ? [one.delta] : []))

/** Texts of few units, so that halves of pairs meet and part in every way. */
const Piece = Schema.Array(Schema.Literals(["a", "é", "\n", "\r", "\u2028", "\ud83d", "\ude00", "data: [DONE]"])).pipe(
  Schema.check(Schema.isMaxLength(4))
)
const Text = Schema.Struct({ _tag: Schema.Literal("Text"), delta: Piece })
const Event = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Accepted") }),
  Text,
  Text,
  Text,
  Schema.Struct({
    _tag: Schema.Literal("Finish"),
    reason: Schema.Literals(["stop", "length", "content-filter", "tool-calls", "other"])
  }),
  Schema.Struct({
    _tag: Schema.Literal("Failed"),
    failure: Schema.Literals(["agent-timeout", "agent-broken", "too-long", "too-much", "shutting-down", "internal"])
  })
])

const toEvent = (event: typeof Event.Type): ChatStream.Event =>
  event._tag === "Text" ? { _tag: "Text", delta: event.delta.join("") } : event

const initial = (maxBytes = 1_000_000) =>
  ChatStream.initial({ messageId: "m-1", conversationId: "c-1", hasMemory: false, maxBytes })

describe("ChatStream", () => {
  it.prop(
    "any events in any order give a well-formed stream or the beginning of one",
    [Schema.Array(Event)],
    ([list]) => {
      const events = list.map(toEvent)
      const [state, text] = ChatStream.encodeAll(initial(), events)
      const types = frames(text).map((one) => `${one.type} `)
      assert.match(types.join(""), shape)
      const over = events.some((event) => event._tag === "Finish" || event._tag === "Failed")
      assert.strictEqual(ChatStream.isEnded(state), over)
      assert.strictEqual(types.at(-1) === "DONE ", over)
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
      const errors = list.filter((one) => one.type === "error")
      const finishes = list.flatMap((one) => (one.type === "finish" ? [one.finishReason] : []))
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
    "the deltas joined are the agent's text made well-formed, and each is well-formed by itself",
    [Schema.Array(Piece)],
    ([pieces]) => {
      const texts = pieces.map((piece) => piece.join(""))
      const [, text] = ChatStream.encodeAll(initial(), [
        { _tag: "Accepted" },
        ...texts.map((delta) => ({ _tag: "Text", delta }) as const),
        { _tag: "Finish", reason: "stop" }
      ])
      const said = deltas(frames(text))
      assert.strictEqual(said.join(""), texts.join("").toWellFormed())
      for (const delta of said) assert.isTrue(delta !== "" && delta.isWellFormed())
    }
  )

  it.prop(
    "what is said keeps the bound, and is a beginning of the text",
    [Schema.Array(Piece), Schema.Int],
    ([pieces, n]) => {
      const maxBytes = Math.abs(n) % 40
      const texts = pieces.map((piece) => piece.join(""))
      const [state, text] = ChatStream.encodeAll(initial(maxBytes), [
        ...texts.map((delta) => ({ _tag: "Text", delta }) as const),
        { _tag: "Finish", reason: "stop" }
      ])
      const said = deltas(frames(text)).join("")
      const wanted = texts.join("").toWellFormed()
      assert.isAtMost(Buffer.byteLength(said), maxBytes)
      assert.strictEqual(state.failure, Buffer.byteLength(wanted) <= maxBytes ? null : "too-much")
      if (state.failure === null) assert.strictEqual(said, wanted)
      else assert.isTrue(state.failure === "too-much" && wanted.startsWith(said.replace(/\uFFFD$/, "")))
    }
  )

  it.prop("one at a time or all at once is the same", [Schema.Array(Event)], ([list]) => {
    const events = list.map(toEvent)
    let state = initial()
    const parts = events.map((event) => {
      const [next, text] = ChatStream.encode(state, event)
      state = next
      return text
    })
    assert.deepStrictEqual([state, parts.join("")], [...ChatStream.encodeAll(initial(), events)])
  })

  it("writes exactly what the AI SDK's UI message stream reads", () => {
    const [, text] = ChatStream.encodeAll(initial(), [
      { _tag: "Accepted" },
      { _tag: "Text", delta: "Hel\n" },
      { _tag: "Text", delta: "lo" },
      { _tag: "Finish", reason: "stop" }
    ])
    assert.strictEqual(
      text,
      'data: {"type":"start","messageId":"m-1","messageMetadata":{"conversation_id":"c-1","memory":false}}\n\n' +
        'data: {"type":"text-start","id":"m-1"}\n\n' +
        'data: {"type":"text-delta","id":"m-1","delta":"Hel\\n"}\n\n' +
        'data: {"type":"text-delta","id":"m-1","delta":"lo"}\n\n' +
        'data: {"type":"text-end","id":"m-1"}\n\n' +
        'data: {"type":"finish","finishReason":"stop"}\n\n' +
        "data: [DONE]\n\n"
    )
  })

  it("a comment is no frame", () => {
    assert.match(ChatStream.comment, /^:[^\n]*\n\n$/)
    assert.isTrue(Option.isNone(Schema.decodeOption(Frame)(ChatStream.comment)))
  })
})
