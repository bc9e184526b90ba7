import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as MailRecipient from "../../../src/delivery/mail/MailRecipient.ts"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import { dayMillis } from "../../../src/platform/text/Calendar.ts"
import { id } from "../../support/Ids.ts"

const { maxMails, maxMailsToAddress, repeatMillis } = MailRecipient
const now = 1_790_000_000_000
const unknown = { isUnsubscribed: false, isKnown: false, mailsAt: [], invitedAt: [], othersMailsAt: [] }
const others = Array.from({ length: maxMails }, (_, index) => now - index * 1_000)

/** Attempts to send a confirmation mail again: the seconds since the previous one, and whether it is for another address. */
const Attempts = Schema.Array(
  Schema.Struct({
    seconds: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9_000 })),
    isOther: Schema.Boolean
  })
).check(Schema.isMaxLength(200))

const countOfLastDay = (times: ReadonlyArray<number>, at: number) =>
  times.filter((time) => time > at - dayMillis && time <= at).length

describe("delivery/mail/MailRecipient", () => {
  it("an address that unsubscribed is refused, even if it has a notification", () => {
    for (const isKnown of [false, true]) {
      const decision = MailRecipient.decide({ ...unknown, isKnown, isUnsubscribed: true }, now)
      assert.deepStrictEqual(decision, { _tag: "Unsubscribed" })
    }
  })

  it("an address that was invited gets a confirmation mail ten minutes later, and within the limits", () => {
    const at = (time: number, invitedAt: ReadonlyArray<number>) => MailRecipient.decide({ ...unknown, invitedAt }, time)
    assert.deepStrictEqual(at(now, [now - 1]), { _tag: "TooSoon", limit: "interval", waitMillis: repeatMillis - 1 })
    assert.deepStrictEqual(at(now + repeatMillis, [now]), { _tag: "Accepted", sendsConfirmation: true })
    const three = [now, now - repeatMillis, now - 2 * repeatMillis]
    assert.deepInclude(at(now + repeatMillis, three), { _tag: "TooSoon", limit: "address" })
  })

  it("an added address gets a confirmation mail at most once a day, and only if it has no notification yet", () => {
    const sendsConfirmation = (facts: Partial<Parameters<typeof MailRecipient.decide>[0]>) => {
      const decision = MailRecipient.decide({ ...unknown, ...facts }, now)
      return decision._tag === "Accepted" && decision.sendsConfirmation
    }
    assert.isTrue(sendsConfirmation({}))
    assert.isFalse(sendsConfirmation({ isKnown: true }))
    assert.isFalse(sendsConfirmation({ mailsAt: [now - dayMillis + 1] }))
    assert.isTrue(sendsConfirmation({ mailsAt: [now - dayMillis, now - 2 * dayMillis] }))
  })

  it("at the limit, an address that would get a confirmation mail is refused until the oldest mail is a day old", () => {
    const facts = { ...unknown, othersMailsAt: others }
    const decision = MailRecipient.decide(facts, now)
    if (decision._tag !== "TooSoon") return assert.fail(decision._tag)
    assert.deepStrictEqual(MailRecipient.decide(facts, now + decision.waitMillis), {
      _tag: "Accepted",
      sendsConfirmation: true
    })
    assert.strictEqual(MailRecipient.decide(facts, now + decision.waitMillis - 1)._tag, "TooSoon")
    assert.strictEqual(MailRecipient.decide({ ...facts, othersMailsAt: others.slice(1) }, now)._tag, "Accepted")
    assert.strictEqual(MailRecipient.decide({ ...facts, isKnown: true }, now)._tag, "Accepted")
    assert.strictEqual(MailRecipient.decide({ ...facts, mailsAt: [now - 1] }, now)._tag, "Accepted")
  })

  it.prop(
    "an address gets three confirmation mails a day, ten minutes apart, and a website twenty; `waitMillis` is exact",
    [Attempts],
    ([attempts]) => {
      const [mailsAt, othersMailsAt]: [Array<number>, Array<number>] = [[], []]
      let at = now
      for (const { isOther, seconds } of attempts) {
        at += seconds * 1_000
        if (isOther) {
          othersMailsAt.push(at)
          continue
        }
        const facts = {
          ...{ isUnsubscribed: false, isConfirmed: false },
          mailsAt: mailsAt.filter((_, index) => index % 2 === 0),
          // Invitations and confirmation mails count together.
          invitedAt: mailsAt.filter((_, index) => index % 2 === 1),
          othersMailsAt
        }
        const decision = MailRecipient.decideRepeat(facts, at)
        const all = [...mailsAt, ...othersMailsAt]
        const isAllowed = (time: number) =>
          mailsAt.every((one) => time - one >= repeatMillis) &&
          countOfLastDay(mailsAt, time) < maxMailsToAddress &&
          countOfLastDay(all, time) < maxMails
        if (decision._tag === "Accepted") {
          assert.isTrue(isAllowed(at))
          mailsAt.push(at)
        } else if (decision._tag === "TooSoon") {
          assert.isFalse(isAllowed(at))
          assert.isFalse(isAllowed(at + decision.waitMillis - 1))
          assert.isTrue(isAllowed(at + decision.waitMillis))
          assert.isAtMost(decision.waitMillis, dayMillis)
          assert.strictEqual(MailRecipient.decideRepeat(facts, at + decision.waitMillis)._tag, "Accepted")
          assert.deepStrictEqual(MailRecipient.decideInvitation([facts], at), decision)
          const confirmed = { ...facts, isConfirmed: true }
          assert.deepStrictEqual(MailRecipient.decideInvitation([confirmed, facts], at), decision)
          assert.strictEqual(MailRecipient.decideInvitation([confirmed], at)._tag, "Accepted")
          const unsubscribed = { ...confirmed, isUnsubscribed: true }
          assert.strictEqual(MailRecipient.decideInvitation([facts, unsubscribed], at)._tag, "Unsubscribed")
        } else assert.fail(decision._tag)
      }
    }
  )

  it("no confirmation mail is sent again to an address that unsubscribed or has confirmed", () => {
    const tagOf = (isUnsubscribed: boolean, isConfirmed: boolean) =>
      MailRecipient.decideRepeat(
        { isUnsubscribed, isConfirmed, mailsAt: [now], invitedAt: [], othersMailsAt: others },
        now
      )._tag
    assert.deepStrictEqual(
      [tagOf(true, true), tagOf(true, false), tagOf(false, true)],
      ["Unsubscribed", "Unsubscribed", "Confirmed"]
    )
  })

  it("a digest depends on the key, the website and the address, but not on the case of the address or the spaces around it", () => {
    const digest = (site = "a", address = "ada@example.com", byte = 0) =>
      Buffer.from(MailRecipient.digestOf(new Uint8Array(32).fill(byte), id(WebsiteConfigId, site), address)).toString(
        "hex"
      )
    assert.lengthOf(digest(), 64)
    assert.strictEqual(digest("a", " Ada@EXAMPLE.com "), digest())
    assert.strictEqual(
      new Set([digest(), digest("b"), digest("a", "eve@example.com"), digest("a", "ada@example.com", 1)]).size,
      4
    )
  })
})
