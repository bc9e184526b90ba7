import { assert, describe, it } from "@effect/vitest"
import * as MailRecipient from "../../../src/core/mail/MailRecipient.ts"
import { dayMillis } from "../../../src/core/text/Calendar.ts"

const { maxNew } = MailRecipient
const now = 1_790_000_000_000
const unknown: MailRecipient.Facts = { isUnsubscribed: false, isKnown: false, addedAt: null, othersAddedAt: [] }
const others = Array.from({ length: maxNew }, (_, index) => now - index * 1_000)

describe("core/mail/MailRecipient", () => {
  it("an address that unsubscribed is refused, even if it has another notification", () => {
    for (const isKnown of [false, true]) {
      const decision = MailRecipient.decide({ ...unknown, isKnown, isUnsubscribed: true }, now)
      assert.deepStrictEqual(decision, { _tag: "Unsubscribed" })
    }
  })

  it("an address is new once a day, and only without a notification", () => {
    const isNew = (facts: Partial<MailRecipient.Facts>) => {
      const decision = MailRecipient.decide({ ...unknown, ...facts }, now)
      return decision._tag === "Accepted" && decision.isNew
    }
    assert.isTrue(isNew({}))
    assert.isFalse(isNew({ isKnown: true }))
    assert.isFalse(isNew({ addedAt: now - dayMillis + 1 }))
    assert.isTrue(isNew({ addedAt: now - dayMillis }))
  })

  it("over the limit, only addresses that are not new are accepted, until the oldest is a day old", () => {
    const facts = { ...unknown, othersAddedAt: others }
    const decision = MailRecipient.decide(facts, now)
    if (decision._tag !== "TooManyNew") return assert.fail(decision._tag)
    assert.deepStrictEqual(MailRecipient.decide(facts, now + decision.waitMillis), { _tag: "Accepted", isNew: true })
    assert.strictEqual(MailRecipient.decide(facts, now + decision.waitMillis - 1)._tag, "TooManyNew")
    assert.strictEqual(MailRecipient.decide({ ...facts, othersAddedAt: others.slice(1) }, now)._tag, "Accepted")
    assert.strictEqual(MailRecipient.decide({ ...facts, isKnown: true }, now)._tag, "Accepted")
    assert.strictEqual(MailRecipient.decide({ ...facts, addedAt: now - 1 }, now)._tag, "Accepted")
  })

  it("a digest depends on the key, the website and the address, and not on the case of its letters", () => {
    const digest = (site = "a", address = "ada@example.com", byte = 0) =>
      Buffer.from(MailRecipient.digestOf(new Uint8Array(32).fill(byte), site, address)).toString("hex")
    assert.lengthOf(digest(), 64)
    assert.strictEqual(digest("a", " Ada@EXAMPLE.com "), digest())
    assert.strictEqual(
      new Set([digest(), digest("b"), digest("a", "eve@example.com"), digest("a", "ada@example.com", 1)]).size,
      4
    )
  })
})
