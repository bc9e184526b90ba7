import { IncomingMessage } from "node:http"
import { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect, Fiber, Option, References, Result, Schema, Stream } from "effect"
import { HttpIncomingMessage, type HttpServerRequest } from "effect/http"
import * as Capacity from "../../src/core/Capacity.ts"
import * as RequestBody from "../../src/http/RequestBody.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe("http/RequestBody", () => {
  it("reads JSON's own types, a beacon's text, and no type at all", () => {
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
      assert.isTrue(RequestBody.isJson(type), String(type))
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
      assert.isFalse(RequestBody.isJson(type), type)
    }
  })

  it.prop("reads any JSON whatever its type, and keeps its text", [Schema.Json], ([value]) => {
    const text = JSON.stringify(value)
    for (const type of [undefined, "application/json", "text/plain"]) {
      assert.strictEqual(Result.getOrThrow(RequestBody.parse(bytes(text), type)).text, text)
    }
  })

  it("an empty body is no value, whatever its type", () => {
    for (const type of [undefined, "text/html"]) {
      assert.isUndefined(Result.getOrThrow(RequestBody.parse(new Uint8Array(), type)).value)
    }
  })

  it("a body of another type is a text, never JSON", () => {
    assert.strictEqual(Result.getOrThrow(RequestBody.parse(bytes('{"a":1}'), "text/html")).value, "")
  })

  it.effect.prop(
    "a body is read whole, in whatever pieces it comes, if it is no longer than may be",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))).check(Schema.isMaxLength(6))],
    ([lengths]) =>
      Effect.gen(function* () {
        const pieces = lengths.map((length, index) => new Uint8Array(length).fill(index))
        const whole = Buffer.concat(pieces)
        const request = { source: {}, url: "/", headers: {}, stream: Stream.fromIterable(pieces) }
        const read = yield* RequestBody.readBytes(request as unknown as HttpServerRequest.HttpServerRequest).pipe(
          Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(60)),
          Effect.result
        )
        if (whole.length <= 60) assert.deepStrictEqual(Buffer.from(Result.getOrThrow(read)), whole)
        else assert.deepInclude(Option.getOrThrow(Result.getFailure(read)), { _tag: "BodyTooLarge", maxBytes: 60 })
      })
  )

  it.effect("whenever a visitor goes, the place of the request is given back", () =>
    Effect.gen(function* () {
      for (let steps = 0; steps < 40; steps++) {
        const enter = Capacity.make(1)
        const source = new IncomingMessage(new Socket())
        source.rawHeaders = ["cookie", "x".repeat(2 * RequestBody.smallHead)]
        const request = { source, url: "/", headers: { "content-length": "10" } }
        const fiber = yield* RequestBody.readBytes(request as unknown as HttpServerRequest.HttpServerRequest).pipe(
          Effect.provideService(RequestBody.Arrivals, enter),
          // Others run before every step, so that it can be interrupted between any two. With less none is made.
          Effect.provideService(References.MaxOpsBeforeYield, 3),
          Effect.forkChild
        )
        for (let step = 0; step < steps; step++) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        // Who is alone may hold any amount.
        assert.isTrue(enter().hold(1), `interrupted after ${steps} steps`)
      }
    })
  )
})
