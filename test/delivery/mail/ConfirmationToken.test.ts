import { randomBytes, randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as LinkToken from "../../../src/delivery/mail/LinkToken.ts"
import { NotificationId, WebsiteConfigId } from "../../../src/platform/Id.ts"

const key = new Uint8Array(randomBytes(32))
const otherKey = new Uint8Array(randomBytes(32))
const site = WebsiteConfigId.make(randomUUID())

describe("delivery/mail/LinkToken: confirmation", () => {
  it("a token names its website and recognizes its address in any letter case; another key does not verify it", () => {
    const token = LinkToken.signConfirmation(key, site, "Ada@example.com")
    assert.match(token, /^[0-9a-f.A-Z_a-z-]+$/)
    const { isRecipient, websiteConfigId } = Option.getOrThrow(LinkToken.verifyConfirmation(key, token))
    assert.strictEqual(websiteConfigId, site)
    assert.deepStrictEqual(["ada@example.com", "ADA@example.com", "eve@example.com", ""].map(isRecipient), [
      ...[true, true, false, false]
    ])
    assert.isTrue(Option.isNone(LinkToken.verifyConfirmation(otherKey, token)))
  })

  it("a token of one purpose is not valid for another", () => {
    assert.isTrue(
      Option.isNone(LinkToken.verifyConfirmation(key, LinkToken.signUnsubscribe(key, NotificationId.make(site))))
    )
    assert.isTrue(
      Option.isNone(LinkToken.verifyUnsubscribe(key, LinkToken.signConfirmation(key, site, "ada@example.com")))
    )
  })

  it.prop("any other text is refused", [Schema.String], ([text]) => {
    const token = LinkToken.signConfirmation(key, site, "ada@example.com")
    const [, ...rest] = token.split(".")
    const ofOtherWebsite = [randomUUID(), ...rest].join(".")
    for (const wrong of [text, ofOtherWebsite, `${text}${token}x`, `${token}.${text}`, token.slice(0, -2)]) {
      assert.isTrue(Option.isNone(LinkToken.verifyConfirmation(key, wrong)))
    }
  })
})
