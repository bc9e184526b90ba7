import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
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
})
