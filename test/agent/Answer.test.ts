import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Answer from "../../src/agent/Answer.ts"
import * as Completion from "../../src/agent/Completion.ts"
import type { AgentEvent } from "../../src/core/chat/Agent.ts"
import * as ChatStream from "../../src/core/chat/ChatStream.ts"
import { finishes, says } from "../support/TestUpstream.ts"

/** What an agent may send, in one piece. */
const frames = {
  text: says("Hi \u{1f600} é 漢"),
  empty: says(""),
  half: 'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
  other: 'data: {"choices":[{"delta":{"content":"\\ude00"}}]}\r\n\r\n',
  role: 'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n',
  usage: 'data: {"choices":[],"usage":{"total_tokens":3}}\n\n',
  comment: ": beat\n\n",
  retry: "retry: 1\n\n",
  lines: 'data: {"choices":\ndata: [{"delta":{"content":"two lines"}}]}\n\n',
  stop: finishes("stop"),
  done: "data: [DONE]\n\n",
  error: 'event: error\ndata: {"detail":"secret"}\n\n',
  garbage: "data: secret\n\n",
  cut: "data: cut"
}
const Name = Schema.Literals(Object.keys(frames) as ReadonlyArray<keyof typeof frames>)

/** Cuts bytes at the places that the numbers name. */
const split = (bytes: Buffer, cuts: ReadonlyArray<number>): Array<Buffer> => {
  const places = [0, ...cuts.map((cut) => Math.abs(cut) % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place))
}

/** What comes of these pieces: the agent's events, the visitor's frames, and how the reading ended. */
const read = (pieces: ReadonlyArray<Buffer>) => {
  const events: Array<AgentEvent> = []
  let state = Answer.initial
  let chat = ChatStream.initial({ messageId: "m-1", conversationId: "c-1", hasMemory: false, maxBytes: 200 })
  let sent = ""
  for (const piece of pieces) {
    const read = Answer.read(state, piece)
    state = read.state
    events.push(...read.events)
    const [next, text] = ChatStream.encodeAll(chat, read.events)
    chat = next
    sent += text
    if (read.fault !== undefined || read.events.at(-1)?._tag === "Finish") return { events, sent, fault: read.fault }
  }
  return { events, sent, fault: undefined }
}

describe("agent/Answer", () => {
  it.prop(
    "where the bytes are cut does not matter, neither to what is said, nor to the frames, nor to how it ends",
    [Schema.Array(Name), Schema.Array(Schema.Int)],
    ([names, cuts]) => {
      const bytes = Buffer.from(names.map((name) => frames[name]).join(""))
      assert.deepStrictEqual(read(split(bytes, cuts)), read([bytes]))
    }
  )

  it.prop(
    "what is read is what each frame says by itself, to the first end or fault",
    [Schema.Array(Name)],
    ([names]) => {
      const { events, fault } = read(names.map((name) => Buffer.from(frames[name])))
      const whole: Array<AgentEvent> = []
      const texts: Partial<Record<(typeof names)[number], string>> = {
        text: "Hi \u{1f600} é 漢",
        half: "\ud83d",
        other: "\ude00",
        lines: "two lines"
      }
      let expected: string | undefined
      // What follows the beginning of a line belongs to it.
      const until = names.indexOf("cut")
      for (const name of until < 0 ? names : names.slice(0, until)) {
        const delta = texts[name]
        if (delta !== undefined) whole.push({ _tag: "Text", delta })
        else if (name === "stop" || name === "done") whole.push({ _tag: "Finish", reason: "stop" })
        else if (name === "error") expected = "the agent sent an error"
        else if (name === "garbage") expected = "the agent sent a frame that is no chat completion chunk"
        if (expected !== undefined || whole.at(-1)?._tag === "Finish") break
      }
      if (until < 0 || expected !== undefined || whole.at(-1)?._tag === "Finish") {
        assert.deepStrictEqual({ events, fault }, { events: whole, fault: expected })
      } else assert.deepStrictEqual(events.slice(0, whole.length), whole)
    }
  )
})

/** JSON that is a chunk, or nearly one. */
const Leaf = Schema.NullOr(Schema.Literals([true, 0, "", "text"]))
const Odd = Schema.Union([Leaf, Schema.Array(Leaf), Schema.Record(Schema.Literals(["content", "delta", "x"]), Leaf)])
const maybe = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.Union([schema, schema, schema, Odd]))
const Delta = Schema.Struct({ content: maybe(Schema.String), role: maybe(Schema.String) })
const Choice = Schema.Struct({ delta: maybe(Delta), finish_reason: maybe(Schema.Literals(["stop", "length"])) })
const Nearly = Schema.Union([
  Schema.Struct({ choices: maybe(Schema.Array(Schema.Union([Choice, Choice, Odd]))), error: Schema.optionalKey(Odd) }),
  Odd
])

describe("agent/Completion", () => {
  const decode = Schema.is(Completion.Chunk)

  it.prop("what is a chunk is what the schema takes for one", [Nearly], ([value]) => {
    assert.strictEqual(Completion.isChunk(value), decode(value))
  })

  it("both are met by the test above: chunks, and what is none", () => {
    for (const [value, expected] of [
      [{}, true],
      [{ choices: [{ delta: { content: "a" }, finish_reason: null }] }, true],
      [{ choices: [{ delta: { content: "a" } }, { delta: 1 }] }, false],
      [{ choices: [{ delta: { content: 1 } }] }, false],
      [{ choices: [{ finish_reason: {} }] }, false],
      [[], false],
      [{ choices: [[]] }, false],
      [{ choices: [{ delta: [] }] }, false],
      [null, false]
    ] as const) {
      assert.strictEqual(Completion.isChunk(value), expected, JSON.stringify(value))
      assert.strictEqual(decode(value), expected, JSON.stringify(value))
    }
  })
})
