import { IncomingMessage } from "node:http"
import { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect, Option, Result, Schema } from "effect"
import { HttpIncomingMessage, type HttpServerRequest } from "effect/http"
import * as Body from "../../../src/platform/http/Body.ts"
import * as Incoming from "../../../src/platform/http/Incoming.ts"
import * as Capacity from "../../../src/platform/limits/Capacity.ts"
import { interruptEverywhere } from "../../support/Stepwise.ts"

/** A request whose body arrives as `message` gets it. */
const makeRequest = () => {
  const message = new IncomingMessage(new Socket())
  const source = { source: message, url: "/", headers: {}, remoteAddress: Option.some("198.51.100.1") }
  return { message, request: source as unknown as HttpServerRequest.HttpServerRequest }
}

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
        const { message, request } = makeRequest()
        for (const piece of pieces) message.push(piece)
        message.push(null)
        const read = yield* Incoming.readBytes(request, Incoming.fromRequest(request)).pipe(
          Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(60)),
          Effect.result
        )
        if (whole.length <= 60) assert.deepStrictEqual(Buffer.from(Result.getOrThrow(read)), whole)
        else assert.deepInclude(Option.getOrThrow(Result.getFailure(read)), { _tag: "BodyTooLarge", maxBytes: 60 })
      })
  )

  it("an interruption at any step of reading a body releases its memory", () => {
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
      const { message, request } = makeRequest()
      message.rawHeaders = ["X-Long", "a".repeat(10_000)]
      return Effect.provideService(
        Incoming.readBytes(request, Incoming.fromRequest(request)),
        Incoming.Arrivals,
        watched
      )
    }
    interruptEverywhere(read, (steps) => {
      assert.strictEqual(capacity.held(), 0, `after ${steps} steps`)
      assert.strictEqual(capacity.owners(), 0, `after ${steps} steps`)
    })
    assert.isAbove(peak, 10_000)
  })

  it.effect("a body whose client disconnected before it is read does not arrive", () =>
    Effect.gen(function* () {
      const { message, request } = makeRequest()
      message.destroy()
      const read = yield* Effect.result(Incoming.readBytes(request, Incoming.fromRequest(request)))
      assert.strictEqual(Option.getOrThrow(Result.getFailure(read))._tag, "BodyUnreadable")
    })
  )
})
