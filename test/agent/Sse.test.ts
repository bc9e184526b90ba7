import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema, Stream } from "effect"
import * as Sse from "../../src/agent/Sse.ts"

const read = Effect.fnUntraced(function* (packets: ReadonlyArray<Uint8Array>, maxEventSize = 1_000_000) {
  const events: Array<{ readonly event: string; readonly data: string }> = []
  const result = yield* Stream.fromIterable(packets).pipe(
    Stream.rechunk(1),
    Sse.events({ maxEventSize }),
    Stream.runForEach(({ data, event }) => Effect.sync(() => events.push({ event, data }))),
    Effect.result
  )
  return { events, result }
})

/** Cuts bytes at the places that the numbers name. */
const split = (bytes: Uint8Array, cuts: ReadonlyArray<number>): Array<Uint8Array> => {
  const places = [0, ...cuts.map((cut) => Math.abs(cut) % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place))
}

const Line = Schema.Literals(["é", "\u{1f600}", "a b", ":", "", "漢字", "{}"])
const Ending = Schema.Literals(["\n", "\r", "\r\n"])
const Noise = Schema.Literals(["", ": comment", "retry: 3000", "id: 7", "unknown: x", "data_", "event"])

describe("Sse", () => {
  it.effect.prop(
    "where the bytes are cut, and how lines end, does not matter",
    [
      Schema.NonEmptyArray(Schema.Struct({ lines: Schema.NonEmptyArray(Line), noise: Noise })),
      Ending,
      Schema.Array(Schema.Int)
    ],
    ([list, ending, cuts]) =>
      Effect.gen(function* () {
        const text = list
          .map(({ lines, noise }) =>
            [...(noise === "" ? [] : [noise]), ...lines.map((line) => `data: ${line}`), "", ""].join(ending)
          )
          .join("")
        const { events } = yield* read(split(Buffer.from(text), cuts))
        assert.deepStrictEqual(
          events,
          list.map(({ lines }) => ({ event: "message", data: lines.join("\n") }))
        )
      })
  )

  it.effect("every single byte may be a packet of its own", () =>
    Effect.gen(function* () {
      const bytes = Buffer.from(
        "\uFEFFevent: x\r\nretry: 10\r\ndata: \u{1f600}\r\n\r\n: beat\r\n\r\ndata: 漢\r\n\r\ndata: cut off\r\n"
      )
      const { events } = yield* read(Array.from(bytes, (byte) => Uint8Array.of(byte)))
      assert.deepStrictEqual(events, [
        { event: "x", data: "\u{1f600}" },
        { event: "message", data: "漢" }
      ])
    })
  )

  it.effect("an event over the bound fails after the events before it, in the same packet or another", () =>
    Effect.gen(function* () {
      for (const cuts of [[], [9], [9, 30], [40]]) {
        const { events, result } = yield* read(split(Buffer.from(`data: a\n\ndata: ${"x".repeat(200)}`), cuts), 100)
        assert.deepStrictEqual(events, [{ event: "message", data: "a" }])
        assert.isTrue(Result.isFailure(result) && result.failure._tag === "SseError")
      }
    })
  )

  it.effect("many short data lines of one event meet the bound too", () =>
    Effect.gen(function* () {
      const { events, result } = yield* read(
        Array.from({ length: 100 }, () => Buffer.from("data: xxxx\n")),
        100
      )
      assert.deepStrictEqual(events, [])
      assert.isTrue(Result.isFailure(result))
    })
  )
})
