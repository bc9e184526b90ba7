import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Lead from "../../../src/core/analytics/Lead.ts"
import * as Visits from "../../../src/core/analytics/report/Visits.ts"

const at = Date.UTC(2026, 10, 25, 12)
const minute = 60_000

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const campaign = { source: null, medium: null, name: null, term: null, content: null }

const viewAt = (
  receivedAt: number,
  path = "/",
  overrides: Partial<NonNullable<Lead.SessionRow["view"]>> = {}
): Lead.SessionRow => ({
  receivedAt,
  view: { path, campaign, referrerHost: null, referrerPath: null, ...overrides }
})

/** Minutes before the lead, many close enough together for one visit. */
const Ages = Schema.Array(Schema.Union([between(0, 40), between(0, 2_000)])).check(Schema.isMaxLength(12))

describe("core/analytics/Lead", () => {
  it.prop("finds the last run of rows with gaps of at most 30 minutes, in any order of the rows", [Ages], ([ages]) => {
    const rows = ages.map((age) => viewAt(at - age * minute))
    const visit = Lead.visitOf(rows, at)
    const times = [...new Set(rows.map(({ receivedAt }) => receivedAt))]
      .filter((time) => time > at - Lead.lookBackMillis)
      .sort((left, right) => right - left)
    // The definition of a visit, applied from the last row backwards.
    let start = times[0]
    for (const time of times) if (start !== undefined && start - time <= Visits.maxGap) start = time
    assert.strictEqual(visit?.startedAt, start)
    assert.deepStrictEqual(Lead.visitOf([...rows].reverse(), at), visit)
  })

  it("takes the attribution of the visit's first page view, not of an event before it or an earlier visit", () => {
    const ad = { campaign: { ...campaign, source: "ads", medium: "cpc", name: "spring" } }
    const rows = [
      viewAt(at - 100 * minute, "/old", { referrerHost: "old.example" }),
      { receivedAt: at - 21 * minute, view: null },
      viewAt(at - 20 * minute, "/tours", { ...ad, referrerHost: "ads.example", referrerPath: "/x" }),
      viewAt(at - minute, "/contact", { referrerHost: "other.example" })
    ]
    assert.deepStrictEqual(Lead.visitOf(rows, at), {
      startedAt: at - 21 * minute,
      attribution: {
        source: "ads",
        medium: "cpc",
        campaign: "spring",
        referrer: "ads.example/x",
        entryPage: "/tours"
      }
    })
  })

  it("takes the visit before a long pause on the form, not the one that begins with the thank-you page", () => {
    const thanks = viewAt(at + 500, "/thanks")
    const form = viewAt(at - 45 * minute, "/contact", { referrerHost: "ads.example" })
    const visit = Lead.visitOf([form, thanks], at)
    assert.deepStrictEqual([visit?.startedAt, visit?.attribution.source], [form.receivedAt, "ads.example"])
    const withoutView = Lead.visitOf([{ ...form, view: null }, thanks], at)
    assert.deepStrictEqual(withoutView, { startedAt: form.receivedAt, attribution: Lead.noAttribution })
    assert.strictEqual(Lead.visitOf([viewAt(at - minute), thanks], at)?.startedAt, at - minute)
    assert.strictEqual(Lead.visitOf([thanks], at)?.startedAt, thanks.receivedAt)
  })

  it("a page view shortly after the lead, without a long pause before it, belongs to the visit of the lead", () => {
    const rows = [{ receivedAt: at - minute, view: null }, viewAt(at + 500, "/tours")]
    const visit = Lead.visitOf(rows, at)
    assert.deepStrictEqual([visit?.startedAt, visit?.attribution.entryPage], [at - minute, "/tours"])
  })

  it("without a campaign the source is the referrer's host, and without page views it is null", () => {
    const view = viewAt(at, "/", { referrerHost: "news.example", referrerPath: null })
    assert.deepStrictEqual(Lead.visitOf([view], at)?.attribution, {
      ...Lead.noAttribution,
      source: "news.example",
      referrer: "news.example",
      entryPage: "/"
    })
    assert.deepStrictEqual(Lead.visitOf([{ receivedAt: at, view: null }], at)?.attribution, Lead.noAttribution)
  })

  it.prop(
    "a lead with a visit is matched; one without a visit is dropped if it is late, and otherwise waits",
    [Schema.Boolean, Schema.Boolean],
    ([hasVisit, isLate]) => {
      const lead = { leadId: "l", kind: "form", hostedWebsiteId: "w", sessionId: "s", receivedAt: at, isLate } as const
      const { dropped, matched } = Lead.match([lead], () => (hasVisit ? [viewAt(at - minute)] : []))
      assert.deepStrictEqual([matched.length, dropped.length], [hasVisit ? 1 : 0, !hasVisit && isLate ? 1 : 0])
      for (const match of matched) {
        assert.deepStrictEqual(Lead.conversionOf(match), {
          hostedWebsiteId: "w",
          visitStartedAt: at - minute,
          sessionKey: "s",
          name: "Form submitted"
        })
      }
    }
  )
})
