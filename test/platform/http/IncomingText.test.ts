/** The text of a body. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Incoming from "../../../src/platform/http/Incoming.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe("platform/http/Incoming: the text of a body", () => {
  it.prop("is what was encoded, without a byte order mark", [Schema.String], ([text]) => {
    const sent = text.toWellFormed()
    const expected = sent.replace(/^\uFEFF/, "")
    assert.deepStrictEqual(Incoming.decodeText(bytes(sent)), Result.succeed(expected))
    assert.deepStrictEqual(Incoming.decodeText(bytes(`\uFEFF${sent}`)), Result.succeed(sent))
  })

  it("refuses bytes that are not UTF-8", () => {
    assert.isTrue(Result.isFailure(Incoming.decodeText(new Uint8Array([0x22, 0xff, 0x22]))))
    assert.isTrue(Result.isFailure(Incoming.decodeText(new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]))))
  })

  it.prop(
    "a long text may be nested up to the maximum depth, whatever its strings hold, and a short text to any depth",
    [
      Schema.Int.check(Schema.isBetween({ minimum: Incoming.maxDepth - 2, maximum: Incoming.maxDepth + 2 })),
      Schema.String,
      Schema.Literals(["[", "{"])
    ],
    ([depth, text, bracket]) => {
      const string = JSON.stringify(`${text}[{"\\`)
      const [open, close] = bracket === "[" ? ["[", "]"] : [`{${string}:`, "}"]
      const nested = `${open.repeat(depth)}${string}${close.repeat(depth)}`
      const isRead = (padding: number) => Result.isSuccess(Incoming.decodeText(bytes(nested + " ".repeat(padding))))
      assert.strictEqual(isRead(Incoming.cheapBytes), depth <= Incoming.maxDepth)
      if (bytes(nested).length <= Incoming.cheapBytes) assert.isTrue(isRead(0))
    }
  )
})
