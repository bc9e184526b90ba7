import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import { protocols } from "../../../src/chat/agent/AgentClient.ts"
import * as Throttle from "../../../src/chat/agent/AnswerReader.ts"
import { AnswerReader } from "../../../src/chat/agent/AnswerReader.ts"
import * as ChatStream from "../../../src/chat/ChatStream.ts"
import { uiMessageStream } from "../../../src/chat/ChatStream.ts"
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
    dialect: uiMessageStream({ messageId: "m-1", conversationId: "c-1", memory: false }),
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

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Arrival = Schema.Struct({
  /** Milliseconds since the previous arrival. */
  delay: between(0, 3_000),
  bytes: between(1, 65_536),
  frames: between(0, 8_000),
  units: between(0, 100)
})
const Arrivals = Schema.Array(Arrival).check(Schema.isMinLength(1), Schema.isMaxLength(80))

const costOf = ({ bytes, frames }: Throttle.Chunk) => Math.max(bytes, Throttle.frameCost * Math.max(1, frames))

describe("chat/agent/AnswerReader, the throttle", () => {
  it.prop(
    "a reader that observes the waits reads at most the sum of the burst, the rate times the elapsed time, and one chunk",
    [Arrivals],
    ([arrivals]) => {
      let state = Throttle.initialThrottle
      let now = 0
      const read: Array<{ readonly now: number; readonly cost: number }> = []
      for (const chunk of arrivals) {
        now += Math.max(chunk.delay, Throttle.pauseAfter(state))
        state = Throttle.throttled(state, now, chunk)
        read.push({ now, cost: costOf(chunk) })
      }
      for (const [first, { now: since }] of read.entries()) {
        let sum = 0
        for (const { cost, now } of read.slice(first)) {
          const most = Throttle.burst + (Throttle.rate * (now - since)) / 1000 + 1
          // An assertion for each of the thousands of spans would take most of the test's time.
          if (sum > most) assert.fail(`${sum} bytes were read in ${now - since} ms, in which at most ${most} may be`)
          sum += cost
        }
      }
    }
  )

  it.prop("an agent within the rate never waits, however long it sends", [Arrivals], ([arrivals]) => {
    let state = Throttle.initialThrottle
    let now = 0
    for (const chunk of arrivals) {
      now += Math.max(chunk.delay, (costOf(chunk) * 1000) / Throttle.rate)
      state = Throttle.throttled(state, now, chunk)
      assert.strictEqual(Throttle.pauseAfter(state), 0)
    }
  })

  it.prop(
    "after a wait the next wait is 0; a millisecond earlier it is not, unless the wait was the minimum pause",
    [Arrivals],
    ([arrivals]) => {
      let state = Throttle.initialThrottle
      for (const chunk of arrivals) state = Throttle.throttled(state, 0, chunk)
      const wait = Throttle.pauseAfter(state)
      const waitAfter = (time: number) =>
        Throttle.pauseAfter({ ...state, level: Math.max(0, state.level - (time * Throttle.rate) / 1000) })
      assert.strictEqual(waitAfter(wait + 0.001), 0)
      if (wait > Throttle.pause + 1) assert.isAbove(waitAfter(wait - 1), 0)
    }
  )

  it.prop(
    "text with one token per frame has no overhead; data without text exceeds the maximum overhead once it costs more",
    [between(1, 512), between(1, 4), between(1, 65_536), between(0, 200)],
    ([bytes, units, otherBytes, frames]) => {
      let textOnly = Throttle.initialThrottle
      for (let token = 0; token < 1_000; token++)
        textOnly = Throttle.throttled(textOnly, 0, { bytes, frames: 1, units })
      assert.isAtMost(textOnly.overhead, 0)

      let noText = Throttle.initialThrottle
      let sum = 0
      while (sum <= Throttle.maxOverhead) {
        // An assertion for each of the thousands of chunks would take most of the test's time.
        if (Throttle.isExceeded(noText)) assert.fail(`${sum} bytes without text exceed the maximum`)
        const chunk = { bytes: otherBytes + 4096, frames, units: 0 }
        noText = Throttle.throttled(noText, 0, chunk)
        sum += costOf(chunk)
      }
      assert.isTrue(Throttle.isExceeded(noText))
    }
  )

  it.prop(
    "a chunk without a complete frame costs one frame, and the shortest wait is a pause",
    [between(1, Throttle.frameCost)],
    ([bytes]) => {
      let state = Throttle.initialThrottle
      const maxChunks = Throttle.burst / Throttle.frameCost
      for (let chunk = 0; chunk < maxChunks; chunk++)
        state = Throttle.throttled(state, 0, { bytes, frames: 0, units: 0 })
      assert.strictEqual(state.overhead, Throttle.burst)
      assert.strictEqual(Throttle.pauseAfter(state), 0)
      state = Throttle.throttled(state, 0, { bytes, frames: 0, units: 0 })
      assert.strictEqual(Throttle.pauseAfter(state), Throttle.pause)
    }
  )

  it("a clock that goes back does not lower the level", () => {
    const state = Throttle.throttled(Throttle.initialThrottle, 1_000, { bytes: 1_000_000, frames: 0, units: 0 })
    assert.strictEqual(Throttle.throttled(state, 0, { bytes: 1_000_000, frames: 0, units: 0 }).level, 2_000_000)
  })
})
