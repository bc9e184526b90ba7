import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as InstallCheck from "../../src/console/setup/InstallCheck.ts"
import { reasons } from "../../src/platform/http/Decision.ts"

const now = Date.parse("2026-11-30T10:00:00Z")

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
const Counts = Schema.Array(Schema.Struct({ reason: Schema.Literals(reasons), count: Count }))
const Ago = Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 * 86_400_000 })))

const faults = ["foreign-origin", "invalid", "limited", "unavailable"]

const view = (millis: number) => ({
  type: "pageview" as const,
  received_at: new Date(now - millis).toISOString(),
  path: "/pricing",
  country: null,
  device: null,
  browser: null,
  source: null
})

describe("console/setup/InstallCheck", () => {
  it.prop(
    "a check is green only if requests of its day, if any were refused, include a success",
    [Ago, Counts],
    ([ago, counts]) => {
      const isRefused = counts.some(({ count, reason }) => count > 0 && faults.includes(reason))
      const isToday = ago !== null && ago <= 10 * 3_600_000
      const found = InstallCheck.ofTag(ago === null ? [] : [view(ago)], { decisions: { reasons: counts }, now })
      const expected = ago === null ? (isRefused ? "fails" : "waits") : isRefused && !isToday ? "fails" : "works"
      assert.strictEqual(found.state, expected)
      if (ago !== null) assert.include(found.text, "The tag was seen on /pricing, ")
    }
  )

  it("a submission that is held says so, and none waits", () => {
    const facts = { decisions: { reasons: [{ reason: "bot", count: 9 } as const] }, now }
    const received_at = "2026-11-30T09:59:00.000Z"
    assert.deepStrictEqual(InstallCheck.ofForm({ page_slug: "contact", received_at, status: "quarantined" }, facts), {
      state: "works",
      text: "The form “contact” was received 1 minute ago. It is held as suspected spam."
    })
    assert.strictEqual(InstallCheck.ofForm(undefined, facts).state, "waits")
  })

  it("an assistant without a token is not told to paste its tag, but shows failures and answers", () => {
    const health = { answered_at: null, failed: 0, failing_since: null }
    const assistant = { memory: "edge", hasToken: false, step: "here", now } as const
    assert.isUndefined(InstallCheck.ofAnswers(health, assistant))
    assert.strictEqual(InstallCheck.ofAnswers(health, { ...assistant, hasToken: true })?.state, "waits")
    const at = "2026-11-30T09:59:00.000Z"
    assert.strictEqual(InstallCheck.ofAnswers({ ...health, answered_at: at }, assistant)?.state, "works")
    assert.strictEqual(InstallCheck.ofAnswers({ ...health, failed: 2, failing_since: at }, assistant)?.state, "fails")
  })
})
