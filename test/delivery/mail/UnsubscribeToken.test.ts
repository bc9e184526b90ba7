import { randomBytes, randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as LinkToken from "../../../src/delivery/mail/LinkToken.ts"
import { NotificationId } from "../../../src/platform/Id.ts"

const key = new Uint8Array(randomBytes(32))
const otherKey = new Uint8Array(randomBytes(32))

describe("delivery/mail/LinkToken: unsubscribing", () => {
  it("a token gives the id of its notification, but only with the key that signed it", () => {
    const id = NotificationId.make(randomUUID())
    const token = LinkToken.signUnsubscribe(key, id)
    assert.match(token, /^[0-9a-f.A-Z_a-z-]+$/)
    assert.deepStrictEqual(LinkToken.verifyUnsubscribe(key, token), Option.some(id))
    assert.isTrue(Option.isNone(LinkToken.verifyUnsubscribe(otherKey, token)))
    const [, signature] = token.split(".")
    assert.isTrue(Option.isNone(LinkToken.verifyUnsubscribe(key, `${randomUUID()}.${signature}`)))
  })

  it.prop("any other text is refused", [Schema.String], ([text]) => {
    const token = LinkToken.signUnsubscribe(key, NotificationId.make(randomUUID()))
    for (const wrong of [text, `${text}.${text}`, `${text}${token}x`, `${token}.${text}`, token.slice(0, -2)]) {
      assert.isTrue(Option.isNone(LinkToken.verifyUnsubscribe(key, wrong)))
    }
  })
})
