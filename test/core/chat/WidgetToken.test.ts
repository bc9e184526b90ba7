import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as WidgetToken from "../../../src/core/chat/WidgetToken.ts"

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const Secret = Schema.Array(Byte).check(Schema.isMinLength(32), Schema.isMaxLength(32))
const Time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000_000_000_000 }))

const token = (bytes: ReadonlyArray<number>) => WidgetToken.format(Uint8Array.from(bytes))

describe("core/chat/WidgetToken", () => {
  it.prop("spells 32 bytes so that they can be read back, and as a token", [Secret], ([bytes]) => {
    const text = token(bytes)
    assert.isTrue(WidgetToken.isSpelledLikeToken(text))
    assert.deepStrictEqual([...Buffer.from(text.slice("hwt_".length), "base64url")], bytes)
  })

  it.prop(
    "tells a token with any one character removed, doubled or followed by another as none",
    [Secret, Byte, Schema.String],
    ([bytes, at, more]) => {
      const text = token(bytes)
      const index = at % text.length
      assert.isFalse(WidgetToken.isSpelledLikeToken(text.slice(0, index) + text.slice(index + 1)))
      assert.isFalse(
        WidgetToken.isSpelledLikeToken(text.slice(0, index) + text.slice(index, index + 1) + text.slice(index))
      )
      assert.strictEqual(WidgetToken.isSpelledLikeToken(text + more), more === "")
      assert.strictEqual(WidgetToken.isSpelledLikeToken(more + text), more === "")
      assert.isFalse(WidgetToken.isSpelledLikeToken(`${text}\n`))
    }
  )

  it.prop("no text but a token is spelled like one", [Schema.String], ([text]) => {
    assert.strictEqual(
      WidgetToken.isSpelledLikeToken(text),
      text.startsWith("hwt_") && /^[\w-]{43}$/.test(text.slice(4))
    )
  })

  it.prop("two digests are the same if and only if the tokens are", [Secret, Secret], ([one, other]) => {
    const [left, right] = [token(one), token(other)]
    assert.strictEqual(WidgetToken.digest(left).length, 32)
    assert.isTrue(WidgetToken.sameDigest(WidgetToken.digest(left), WidgetToken.digest(left)))
    assert.strictEqual(WidgetToken.sameDigest(WidgetToken.digest(left), WidgetToken.digest(right)), left === right)
  })

  it.prop("digests of other lengths are never the same", [Secret, Schema.Array(Byte)], ([one, other]) => {
    const bytes = Uint8Array.from(other)
    assert.isTrue(bytes.length === 32 || !WidgetToken.sameDigest(WidgetToken.digest(token(one)), bytes))
  })

  it.prop(
    "is valid before it expires and never after, and not at all once revoked",
    [Time, Schema.NullOr(Time), Schema.NullOr(Time)],
    ([now, expiresAt, revokedAt]) => {
      const valid = WidgetToken.isValidAt({ expiresAt, revokedAt }, now)
      if (revokedAt !== null) assert.isFalse(valid)
      else assert.strictEqual(valid, expiresAt === null || expiresAt > now)
      if (revokedAt === null && expiresAt !== null) {
        assert.isTrue(WidgetToken.isValidAt({ expiresAt, revokedAt }, expiresAt - 1))
        assert.isFalse(WidgetToken.isValidAt({ expiresAt, revokedAt }, expiresAt))
      }
    }
  )
})
