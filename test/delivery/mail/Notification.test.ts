import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Notification from "../../../src/delivery/mail/Notification.ts"

const Recipient = Schema.Struct({
  to: Schema.Literals(["ann@example.com", "Ann@Example.com", "bob@example.com"]),
  page: Schema.NullOr(Schema.Literals(["contact", "booking"])),
  quarantined: Schema.Boolean,
  conversations: Schema.Literals(Notification.conversationChoices),
  report: Schema.NullOr(Schema.Literal("weekly"))
})

describe("delivery/mail/Notification", () => {
  it.prop(
    "a submission goes to those of its form and of all forms, once to an address, and by its own form's choice",
    [
      Schema.Array(Recipient).check(Schema.isMaxLength(6)),
      Schema.NullOr(Schema.Literals(["contact", "booking", "other"])),
      Schema.Literals(["submission.accepted", "submission.quarantined", "submission.released", "submission.restored"])
    ],
    ([all, page, type]) => {
      // The store keeps one of an address for each form.
      const unique = [...new Map(all.map((one) => [`${one.to.toLowerCase()} ${one.page}`, one])).values()]
      const mailed = Notification.mailing(unique, page, type)
      const addresses = mailed.map(({ to }) => to.toLowerCase())
      assert.strictEqual(new Set(addresses).size, addresses.length)
      for (const one of unique) {
        const isOfForm = one.page !== null && one.page === page
        const isReplaced = unique.some(
          (other) =>
            other.to.toLowerCase() === one.to.toLowerCase() &&
            other.report === null &&
            other.page !== null &&
            other.page === page
        )
        const applies = isOfForm || (one.page === null && !isReplaced)
        assert.strictEqual(mailed.includes(one), applies && Notification.isMailed(one, type))
      }
    }
  )

  it("a conversation goes to those who chose it, and to no recipient of a form or of a report", () => {
    const recipient = (to: string, more: Partial<Notification.Notification> = {}) => ({
      to,
      page: null,
      quarantined: false,
      conversations: "unanswered" as Notification.ConversationChoice,
      report: null,
      ...more
    })
    const all = [
      recipient("ann@example.com"),
      recipient("bob@example.com", { conversations: "all" }),
      recipient("cid@example.com", { conversations: "off" }),
      // An address with a notification of a form still gets the conversations of the website.
      recipient("ann@example.com", { page: "contact", conversations: "off" }),
      recipient("dan@example.com", { report: "weekly", conversations: "off" })
    ]
    const recipientsOf = (type: string) => Notification.mailing(all, null, type).map(({ to }) => to)
    assert.deepStrictEqual(recipientsOf("conversation.started"), ["bob@example.com"])
    assert.deepStrictEqual(recipientsOf("conversation.unanswered"), ["ann@example.com", "bob@example.com"])
    assert.deepStrictEqual(recipientsOf("conversation.feedback"), [])
    assert.deepStrictEqual(
      [{}, { page: "contact" }, { report: "weekly" } as const].map(Notification.defaultConversations),
      ["unanswered", "off", "off"]
    )
  })
})
