import { randomBytes, randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as LinkToken from "../../../src/delivery/mail/LinkToken.ts"
import { NotificationId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import { nonceBytes } from "../../../src/platform/secrets/Sealing.ts"
import type { Access } from "../../../src/sites/access/Access.ts"

const key = new Uint8Array(32).fill(1)
const address = "ada@example.com"

const seal = (sites: Access["sites"]) =>
  LinkToken.sealInvitation(key, new Uint8Array(randomBytes(nonceBytes)), { address, sites })

describe("delivery/mail/LinkToken: invitation", () => {
  it.prop(
    "a token names the address and the websites, or all if they are many, and contains neither as text",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 }))],
    ([count]) => {
      const sites = Array.from({ length: count }, () => WebsiteConfigId.make(randomUUID()))
      const token = seal(sites)
      assert.match(token, /^i\.[\w-]+$/)
      assert.isBelow(token.length, 2_000)
      const opened = Option.getOrThrow(LinkToken.openInvitation(key, token))
      assert.deepStrictEqual(opened, { address, sites: count <= 30 ? sites : "all" })
      for (const text of [address, sites[0]!]) {
        assert.notInclude(Buffer.from(token.slice(2), "base64url").toString("latin1"), text)
      }
    }
  )

  it("a token of another key, a changed token and any other text is not valid", () => {
    const token = seal("all")
    assert.deepStrictEqual(Option.getOrThrow(LinkToken.openInvitation(key, token)), { address, sites: "all" })
    const other = LinkToken.signUnsubscribe(key, NotificationId.make(randomUUID()))
    assert.isTrue(Option.isNone(LinkToken.verifyUnsubscribe(key, token)))
    for (const wrong of [other, token.slice(2), `${token.slice(0, -4)}AAAA`, "i.", "", "i.".padEnd(5_000, "A")]) {
      assert.isTrue(Option.isNone(LinkToken.openInvitation(key, wrong)), wrong.slice(0, 80))
    }
    assert.isTrue(Option.isNone(LinkToken.openInvitation(new Uint8Array(32), token)))
  })
})
