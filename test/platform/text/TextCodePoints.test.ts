import { Buffer } from "node:buffer"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Text from "../../../src/platform/text/Text.ts"

/** Texts in pieces, to be joined. */
const Pieces = Schema.Union([
  Schema.Array(Schema.Literals(["a", "B", "é", "\u{1F600}", "\u{10FFFF}", "\uD7FF", "\uE000", "\uFFFD", ""])).check(
    Schema.isMaxLength(4)
  ),
  Schema.Array(Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed())))
])

describe("platform/text/Text", () => {
  it.prop("orders texts as their bytes in UTF-8", { left: Pieces, right: Pieces }, ({ left, right }) => {
    const [a, b] = [left.join(""), right.join("")]
    assert.strictEqual(Math.sign(Text.compareCodePoints(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)))
  })
})
