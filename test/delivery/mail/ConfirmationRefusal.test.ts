import { assert, describe, it } from "@effect/vitest"
import * as MailRecipient from "../../../src/delivery/mail/MailRecipient.ts"

describe("delivery/mail/MailRecipient", () => {
  it("a wait is rounded up, to minutes or hours", () => {
    const tooSoon = (waitMillis: number) =>
      MailRecipient.refusalText({ _tag: "TooSoon", limit: "interval", waitMillis })
    const limit = "At least 10 minutes pass between two mails to an address that has not confirmed."
    for (const [seconds, words] of [
      [0.001, "1 minute"],
      [60, "1 minute"],
      [61, "2 minutes"],
      [7_140, "119 minutes"],
      [7_141, "2 hours"],
      [86_400, "24 hours"]
    ] as const) {
      assert.strictEqual(tooSoon(seconds * 1_000), `${limit} Try again in ${words}.`)
    }
  })

  it("each refusal says why", () => {
    const tooSoon = (limit: "address" | "website") =>
      MailRecipient.refusalText({ _tag: "TooSoon", limit, waitMillis: 1 })
    assert.include(tooSoon("address"), "at most 3 mails a day")
    assert.include(tooSoon("website"), "A website sends at most 20")
    assert.include(MailRecipient.refusalText({ _tag: "Confirmed" }), "confirmed already")
    assert.include(MailRecipient.refusalText({ _tag: "Unsubscribed" }), "`hydracore notify add`")
  })
})
