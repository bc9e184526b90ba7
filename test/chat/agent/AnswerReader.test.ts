import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import { protocols } from "../../../src/chat/agent/AgentStream.ts"
import { AnswerReader } from "../../../src/chat/agent/AnswerReader.ts"
import * as ChatStream from "../../../src/chat/stream/ChatStream.ts"
import { UiMessageStream } from "../../../src/chat/stream/ChatStream.ts"
import { finishes, says } from "../../support/TestUpstream.ts"

/** Pieces of which an agent's stream may consist. */
const frames = {
  text: says("Hi \u{1f600} é 漢"),
  empty: says(""),
  firstHalf: 'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
  secondHalf: 'data: {"choices":[{"delta":{"content":"\\ude00"}}]}\r\n\r\n',
  role: 'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n',
  usage: 'data: {"choices":[],"usage":{"prompt_tokens":3}}\n\n',
  thought: 'data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n',
  comment: ": beat\n\n",
  retry: "retry: 1\n\n",
  nothing: "data:\n\n",
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

/** The result of reading these pieces: the agent's events, the visitor's frames, and how the answer ended. */
const read = (pieces: ReadonlyArray<Buffer>) => {
  const reader = new AnswerReader(protocols["openai-chat"], "text/event-stream")
  const events: Array<AgentEvent> = []
  for (const piece of pieces) {
    events.push(...reader.read(piece, 0).events)
    if (reader.isOver) break
  }
  const { events: last, failure } = reader.end()
  events.push(...last)
  const chat = ChatStream.initial({
    messageId: "m-1",
    dialect: new UiMessageStream({ messageId: "m-1", conversationId: "c-1", memory: false }),
    maxBytes: 200
  })
  return { events, sent: ChatStream.encodeAll(chat, events)[1], failure }
}

describe("chat/agent/AnswerReader", () => {
  it.prop(
    "where the bytes are cut does not matter, neither to the events, nor to the frames, nor to the ending",
    [Schema.Array(Name), Schema.Array(Schema.Int)],
    ([names, cuts]) => {
      const bytes = Buffer.from(names.map((name) => frames[name]).join(""))
      assert.deepStrictEqual(read(split(bytes, cuts)), read([bytes]))
    }
  )

  it("an event that is too large ends the reading after the events before it", () => {
    const { events, failure } = read([Buffer.from(`${frames.text}data: `), Buffer.alloc(2 * 1024 * 1024, "x")])
    assert.strictEqual(events.map((event) => (event._tag === "Text" ? event.delta : "")).join(""), "Hi \u{1f600} é 漢")
    assert.deepInclude(failure, { reason: "the agent sent an event that is too large" })
  })

  it.prop("text counts until [DONE] or a fault, even after a finish reason", [Schema.Array(Name)], ([names]) => {
    const texts: Partial<Record<(typeof names)[number], string>> = {
      text: "Hi \u{1f600} é 漢",
      firstHalf: "\ud83d",
      secondHalf: "\ude00",
      lines: "two lines"
    }
    // A piece after an unfinished line continues that line.
    const cut = names.indexOf("cut")
    const whole = cut < 0 ? names : names.slice(0, cut)
    const last = whole.findIndex((name) => name === "done" || name === "error" || name === "garbage")
    const readNames = last < 0 ? whole : whole.slice(0, last)
    const expected = readNames.map((name) => texts[name] ?? "").join("")
    const { events, failure } = read(names.map((name) => Buffer.from(frames[name])))
    const text = events.map((event) => (event._tag === "Text" ? event.delta : "")).join("")
    if (cut < 0 || last >= 0) assert.strictEqual(text, expected)
    else assert.isTrue(text.startsWith(expected))
    if (last >= 0) assert.strictEqual(failure === undefined, whole[last] === "done" && expected !== "")
    assert.strictEqual(events.at(-1)?._tag === "Finish", failure === undefined)
  })
})
