import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Notification from "../../../src/delivery/mail/Notification.ts"

const Recipient = Schema.Struct({
  to: Schema.Literals(["ann@example.com", "Ann@Example.com", "bob@example.com"]),
  page: Schema.NullOr(Schema.Literals(["contact", "booking"])),
  quarantined: Schema.Boolean,
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
})
