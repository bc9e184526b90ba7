import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Sse as PlatformSse } from "effect/encoding"
import * as Sse from "../../../src/chat/agent/Sse.ts"

/** The events that are read from these packets, until an event exceeds the limit. */
const read = (packets: ReadonlyArray<Uint8Array>, maxBytes = 1_000_000) => {
  const events: Array<Sse.Event> = []
  let state = Sse.initial
  for (const packet of packets) {
    const next = Sse.read(state, Buffer.from(packet), maxBytes)
    state = next.state
    events.push(...next.events)
    if (next.isTooLarge) return { events, isTooLarge: true }
  }
  return { events, isTooLarge: false }
}

/** Cuts bytes at the places that the numbers name. */
const split = (bytes: Uint8Array, cuts: ReadonlyArray<number>): Array<Uint8Array> => {
  const places = [0, ...cuts.map((cut) => Math.abs(cut) % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place))
}

const Line = Schema.Literals(["é", "\u{1f600}", "a b", ":", "", "漢字", "{}"])
const Ending = Schema.Literals(["\n", "\r", "\r\n"])
const Noise = Schema.Literals(["", ": comment", "retry: 3000", "id: 7", "unknown: x", "data_", "event"])

/** Pieces of a stream as bytes (Latin-1), some of which split a character or a line break. */
const fragments: ReadonlyArray<string> = [
  ...["data", ":", " ", "data: ", "data:x", "event", "event: e", "\n", "\n\n", "\r", "\r\n", "id: 1", ": c"],
  ...["\u00ef\u00bb\u00bf", "\u00c3", "\u00a9", "\u00f0\u009f", "\u0098\u0080", "\u00ff", "long long long"]
]
const Fragment = Schema.Literals(fragments)

describe("Sse", () => {
  it.prop(
    "where the bytes are cut, and how lines end, does not matter",
    [
      Schema.NonEmptyArray(Schema.Struct({ lines: Schema.NonEmptyArray(Line), noise: Noise })),
      Ending,
      Schema.Array(Schema.Int)
    ],
    ([list, ending, cuts]) => {
      const text = list
        .map(({ lines, noise }) =>
          [...(noise === "" ? [] : [noise]), ...lines.map((line) => `data: ${line}`), "", ""].join(ending)
        )
        .join("")
      assert.deepStrictEqual(
        read(split(Buffer.from(text), cuts)).events,
        list.map(({ lines }) => ({ event: "message", data: lines.join("\n") }))
      )
    }
  )

  it.prop(
    "any bytes give the same events, and exceed the bound after the same events, wherever they are cut",
    [Schema.Array(Fragment), Schema.Array(Schema.Int), Schema.Int],
    ([fragments, cuts, bound]) => {
      const bytes = Buffer.concat(fragments.map((fragment) => Buffer.from(fragment, "latin1")))
      const maxBytes = Math.abs(bound) % 30
      assert.deepStrictEqual(read(split(bytes, cuts), maxBytes), read([bytes], maxBytes))
    }
  )

  it.prop(
    "reads the same events as Effect's parser",
    [Schema.Array(Fragment), Schema.Array(Schema.Int)],
    ([fragments, cuts]) => {
      const bytes = Buffer.concat(fragments.map((fragment) => Buffer.from(fragment, "latin1")))
      const events: Array<Sse.Event> = []
      const parser = PlatformSse.makeParser((event) => {
        if (event._tag === "Event") events.push({ event: event.event, data: event.data })
      })
      parser.feed(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes))
      assert.deepStrictEqual(read(split(bytes, cuts)).events, events)
    }
  )

  it("reads events from packets of one byte", () => {
    const bytes = Buffer.from(
      "\uFEFFevent: x\r\nretry: 10\r\ndata: \u{1f600}\r\n\r\n: beat\r\n\r\ndata: 漢\r\n\r\ndata: cut off\r\n"
    )
    assert.deepStrictEqual(read(Array.from(bytes, (byte) => Uint8Array.of(byte))).events, [
      { event: "x", data: "\u{1f600}" },
      { event: "message", data: "漢" }
    ])
  })

  it("an event that exceeds the bound ends the reading, and the events before it are returned", () => {
    for (const cuts of [[], [9], [9, 30], [40]]) {
      assert.deepStrictEqual(read(split(Buffer.from(`data: a\n\ndata: ${"x".repeat(200)}`), cuts), 100), {
        events: [{ event: "message", data: "a" }],
        isTooLarge: true
      })
    }
  })

  it("ignores a byte order mark, even if it is split", () => {
    const bytes = Buffer.from("\uFEFF\uFEFF\n\n")
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.deepStrictEqual(read(split(bytes, [cut]), 3), { events: [], isTooLarge: false })
    }
  })

  it("the bound also applies to an event with many short data lines", () => {
    const packets = Array.from({ length: 100 }, () => Buffer.from("data: xxxx\n"))
    assert.deepStrictEqual(read(packets, 100), { events: [], isTooLarge: true })
  })
})
