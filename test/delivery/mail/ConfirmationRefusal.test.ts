import { assert, describe, it } from "@effect/vitest"
import * as ConfirmationRefusal from "../../../src/delivery/mail/ConfirmationRefusal.ts"

describe("delivery/mail/ConfirmationRefusal", () => {
  it("a wait is rounded up, to minutes or hours", () => {
    const tooSoon = (waitMillis: number) =>
      ConfirmationRefusal.message({ _tag: "TooSoon", limit: "interval", waitMillis })
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
      ConfirmationRefusal.message({ _tag: "TooSoon", limit, waitMillis: 1 })
    assert.include(tooSoon("address"), "at most 3 mails a day")
    assert.include(tooSoon("website"), "A website sends at most 20")
    assert.include(ConfirmationRefusal.message({ _tag: "Confirmed" }), "confirmed already")
    assert.include(ConfirmationRefusal.message({ _tag: "Unsubscribed" }), "`hydracore notify add`")
  })
})
