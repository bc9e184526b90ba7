import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as WidgetToken from "../../../src/chat/WidgetToken.ts"
import * as Credential from "../../../src/sites/access/Credential.ts"
import * as OwnerKey from "../../../src/sites/access/OwnerKey.ts"

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const Secret = Schema.Array(Byte).check(Schema.isMinLength(32), Schema.isMaxLength(32))
const Time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000_000_000_000 }))

const { format, isWellFormed } = Credential.syntax("abc")

const secret = (bytes: ReadonlyArray<number>) => format(Uint8Array.from(bytes))

describe("sites/access/Credential", () => {
  it.prop("formats 32 bytes so that they can be decoded", [Secret], ([bytes]) => {
    const text = secret(bytes)
    assert.isTrue(isWellFormed(text))
    assert.deepStrictEqual([...Buffer.from(text.slice("abc_".length), "base64url")], bytes)
  })

  it.prop("a secret of one kind is not a secret of another kind", [Secret], ([bytes]) => {
    const key = OwnerKey.format(Uint8Array.from(bytes))
    assert.deepStrictEqual(
      [OwnerKey.isWellFormed(key), isWellFormed(key), WidgetToken.isWellFormed(key)],
      [true, false, false]
    )
  })

  it.prop(
    "a secret with a character removed or doubled, or with text before or after it, is not well-formed",
    [Secret, Byte, Schema.String],
    ([bytes, at, more]) => {
      const text = secret(bytes)
      const index = at % text.length
      assert.isFalse(isWellFormed(text.slice(0, index) + text.slice(index + 1)))
      assert.isFalse(isWellFormed(text.slice(0, index) + text.slice(index, index + 1) + text.slice(index)))
      assert.strictEqual(isWellFormed(text + more), more === "")
      assert.strictEqual(isWellFormed(more + text), more === "")
      assert.isFalse(isWellFormed(`${text}\n`))
    }
  )

  it.prop("only a secret is well-formed", [Schema.String], ([text]) => {
    assert.strictEqual(isWellFormed(text), text.startsWith("abc_") && /^[\w-]{43}$/.test(text.slice(4)))
  })

  it.prop("two digests are the same if and only if the secrets are", [Secret, Secret], ([one, other]) => {
    const [left, right] = [secret(one), secret(other)]
    assert.strictEqual(Credential.digest(left).length, 32)
    assert.isTrue(Credential.sameDigest(Credential.digest(left), Credential.digest(left)))
    assert.strictEqual(Credential.sameDigest(Credential.digest(left), Credential.digest(right)), left === right)
  })

  it.prop("digests of different lengths are never the same", [Secret, Schema.Array(Byte)], ([one, other]) => {
    const bytes = Uint8Array.from(other)
    assert.isTrue(bytes.length === 32 || !Credential.sameDigest(Credential.digest(secret(one)), bytes))
  })

  it.prop(
    "a credential is valid until it expires or is revoked",
    [Time, Schema.NullOr(Time), Schema.NullOr(Time)],
    ([now, expiresAt, revokedAt]) => {
      const validity = { expiresAt, revokedAt }
      const valid = revokedAt === null && (expiresAt === null || expiresAt > now)
      assert.strictEqual(Credential.isValidAt(validity, now), valid)
      assert.strictEqual(Credential.stateAt(validity, now) === "valid", valid)
      assert.strictEqual(Credential.stateAt(validity, now) === "revoked", revokedAt !== null)
      if (revokedAt === null && expiresAt !== null) {
        assert.isTrue(Credential.isValidAt(validity, expiresAt - 1))
        assert.isFalse(Credential.isValidAt(validity, expiresAt))
      }
    }
  )
})
