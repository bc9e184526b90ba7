import { IncomingMessage } from "node:http"
import { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect, Option, Result, Schema, Stream } from "effect"
import { HttpIncomingMessage, HttpServerRequest } from "effect/http"
import * as Body from "../../../src/platform/http/Body.ts"
import * as Incoming from "../../../src/platform/http/Incoming.ts"
import * as Capacity from "../../../src/platform/limits/Capacity.ts"
import { interruptEverywhere } from "../../support/Stepwise.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe("platform/http/Incoming", () => {
  it("the JSON types, text/plain, which beacons send, and a missing type are read as JSON, and no other type is", () => {
    for (const type of [
      undefined,
      "",
      "application/json",
      "APPLICATION/JSON",
      "application/json; charset=utf-8",
      "application/vnd.api+json",
      "text/plain",
      "text/plain;charset=UTF-8"
    ]) {
      assert.isTrue(Incoming.isJson(type), String(type))
    }
    for (const type of [
      "text/html",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/jsonp",
      "application/xml",
      "text/json+plain",
      "json"
    ]) {
      assert.isFalse(Incoming.isJson(type), type)
    }
  })

  it.prop("keeps the text of any JSON value", [Schema.Json], ([value]) => {
    const text = JSON.stringify(value)
    for (const type of [undefined, "application/json", "text/plain"]) {
      assert.deepStrictEqual(Body.textOf(bytes(text), type), Result.succeed(text))
    }
  })

  it("an empty body has no text, and a body of another content type is an empty JSON text, even if it is JSON", () => {
    for (const type of [undefined, "text/html"]) {
      assert.deepStrictEqual(Body.textOf(new Uint8Array(), type), Result.succeed(""))
    }
    assert.deepStrictEqual(Body.textOf(bytes('{"a":1}'), "text/html"), Result.succeed('""'))
    assert.isTrue(Result.isFailure(Body.textOf(new Uint8Array([0x22, 0xff, 0x22]), undefined)))
  })

  it.effect.prop(
    "however a body is split, it is read completely, or refused if it exceeds the maximum size",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))).check(Schema.isMaxLength(6))],
    ([lengths]) =>
      Effect.gen(function* () {
        const pieces = lengths.map((length, index) => new Uint8Array(length).fill(index))
        const whole = Buffer.concat(pieces)
        const stream = Stream.fromIterable(pieces)
        const request = { source: {}, url: "/", headers: {}, remoteAddress: Option.none(), stream }
        const read = yield* Incoming.readBytes(request as unknown as HttpServerRequest.HttpServerRequest).pipe(
          Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(60)),
          Effect.result
        )
        if (whole.length <= 60) assert.deepStrictEqual(Buffer.from(Result.getOrThrow(read)), whole)
        else assert.deepInclude(Option.getOrThrow(Result.getFailure(read)), { _tag: "BodyTooLarge", maxBytes: 60 })
      })
  )

  for (const [way, headers] of [
    ["with a Content-Length", { "content-length": "60000" }],
    ["in chunks", {}]
  ] as const) {
    it(`an interruption at any step of reading a body ${way} releases its memory`, () => {
      const capacity = Capacity.make(100_000, 50_000)
      let peak = 0
      const watched: Pick<Capacity.Capacity, "allocate"> = {
        allocate: (owner) => {
          const allocation = capacity.allocate(owner)
          const resize: Capacity.Allocation["resize"] = (amount) => {
            const outcome = allocation.resize(amount)
            peak = Math.max(peak, capacity.held())
            return outcome
          }
          return { ...allocation, resize }
        }
      }
      const read = () => {
        const message = new IncomingMessage(new Socket())
        message.rawHeaders = ["X-Long", "a".repeat(10_000)]
        const request = HttpServerRequest.fromWeb(
          new Request("http://edge/", {
            method: "POST",
            headers,
            body: new ReadableStream(),
            duplex: "half"
          } as RequestInit)
        )
        const ofNode = Object.create(request.modify({ remoteAddress: Option.some("198.51.100.1") }), {
          source: { value: message }
        })
        return Effect.provideService(Incoming.readBytes(ofNode), Incoming.Arrivals, watched)
      }
      interruptEverywhere(read, (steps) => {
        assert.strictEqual(capacity.held(), 0, `after ${steps} steps`)
        assert.strictEqual(capacity.owners(), 0, `after ${steps} steps`)
      })
      assert.isAbove(peak, 10_000)
    })
  }
})
