import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Lead from "../../src/analytics/Lead.ts"
import * as Visits from "../../src/analytics/reports/Visits.ts"

const at = Date.UTC(2026, 10, 25, 12)
const minute = 60_000

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const campaign = { source: null, medium: null, name: null, term: null, content: null }

const viewAt = (
  receivedAt: number,
  path = "/",
  { country = null, ...overrides }: Partial<NonNullable<Lead.VisitorRow["view"]> & Lead.VisitorRow> = {}
): Lead.VisitorRow => ({
  receivedAt,
  visitorHash: "v",
  sessionKey: "s",
  path,
  country,
  view: { campaign, referrerHost: null, referrerPath: null, ...overrides }
})

const eventAt = (receivedAt: number, path = "/"): Lead.VisitorRow => ({ ...viewAt(receivedAt, path), view: null })

/** Minutes before the lead, many close enough together for one visit. */
const Ages = Schema.Array(Schema.Union([between(0, 40), between(0, 2_000)])).check(Schema.isMaxLength(12))

describe("analytics/Lead", () => {
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

  it("takes the attribution of the page view with whose campaign the visit begins, not of rows before or after it", () => {
    const ad = { campaign: { ...campaign, source: "ads", medium: "cpc", name: "spring" } }
    const rows = [
      viewAt(at - 100 * minute, "/old", { referrerHost: "old.example" }),
      eventAt(at - 21 * minute),
      viewAt(at - 20 * minute, "/tours", { ...ad, referrerHost: "ads.example", referrerPath: "/x" }),
      viewAt(at - minute, "/contact", { referrerHost: "other.example" })
    ]
    assert.deepStrictEqual(Lead.visitOf(rows, at), {
      startedAt: at - 20 * minute,
      sessionKey: "s",
      attribution: {
        source: "ads",
        medium: "cpc",
        campaign: "spring",
        referrer: "ads.example/x",
        entryPage: "/tours"
      },
      page: "/contact",
      country: null
    })
  })

  it("takes the visit before a long pause on the form, not the one that begins with the thank-you page", () => {
    const thanks = viewAt(at + 500, "/thanks")
    const form = viewAt(at - 45 * minute, "/contact", { referrerHost: "ads.example" })
    const visit = Lead.visitOf([form, thanks], at)
    assert.deepStrictEqual([visit?.startedAt, visit?.attribution.source], [form.receivedAt, "ads.example"])
    const withoutView = Lead.visitOf([{ ...form, view: null }, thanks], at)
    assert.deepStrictEqual(withoutView, {
      startedAt: form.receivedAt,
      sessionKey: "s",
      attribution: Lead.noAttribution,
      page: "/contact",
      country: null
    })
    assert.strictEqual(Lead.visitOf([viewAt(at - minute), thanks], at)?.startedAt, at - minute)
    assert.strictEqual(Lead.visitOf([thanks], at)?.startedAt, thanks.receivedAt)
  })

  it("a page view shortly after the lead, without a long pause before it, belongs to the visit of the lead", () => {
    const rows = [eventAt(at - minute), viewAt(at + 500, "/tours")]
    const visit = Lead.visitOf(rows, at)
    assert.deepStrictEqual([visit?.startedAt, visit?.attribution.entryPage], [at - minute, "/tours"])
  })

  it.prop(
    "the page and the country are those of the visit's last page view before the lead, or of its first after it, and of its events only if it has no page view",
    [Ages, Schema.Boolean],
    ([ages, hasViews]) => {
      const rows = ages.map((age, index) => {
        const row = viewAt(at + 2_000 - age * minute, `/${age}`, { country: index % 2 === 0 ? "NO" : "DK" })
        return hasViews ? row : { ...row, view: null }
      })
      if (hasViews && ages.includes(1)) rows.push(eventAt(at - 30_000, "/event"))
      const visit = Lead.visitOf(rows, at)
      const ofVisit = rows
        .filter(({ path }) => path !== "/event")
        .filter(({ receivedAt }) => visit !== undefined && receivedAt >= visit.startedAt)
        .toSorted((left, right) => right.receivedAt - left.receivedAt)
      const before = ofVisit.filter(({ receivedAt }) => receivedAt <= at)
      const time = (before[0] ?? ofVisit.at(-1))?.receivedAt
      const expected = ofVisit.filter(({ receivedAt }) => receivedAt === time)
      assert.deepStrictEqual(visit?.page ?? null, expected[0]?.path ?? null)
      assert.include([...expected.map(({ country }) => country), null], visit?.country ?? null)
      assert.strictEqual(visit?.country === undefined || visit.country === null, expected.length === 0)
    }
  )

  it("without a campaign the source is the referrer's host, and without page views it is null", () => {
    const view = viewAt(at, "/", { referrerHost: "news.example", referrerPath: null })
    assert.deepStrictEqual(Lead.visitOf([view], at)?.attribution, {
      ...Lead.noAttribution,
      source: "news.example",
      referrer: "news.example",
      entryPage: "/"
    })
    assert.deepStrictEqual(Lead.visitOf([eventAt(at)], at)?.attribution, Lead.noAttribution)
  })

  it.prop(
    "a lead with a visit is matched; one without a visit is dropped if it is late, and otherwise waits",
    [Schema.Boolean, Schema.Boolean],
    ([hasVisit, isLate]) => {
      const lead = {
        leadId: "l",
        kind: "form",
        hostedWebsiteId: "w",
        visitorHashes: ["v"],
        receivedAt: at,
        isLate
      } as const
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

  it("takes the last visit of all session keys with the hash, and separates those of yesterday's hash", () => {
    const row = (minutes: number, sessionKey: string, visitorHash: string) => ({
      ...viewAt(at - minutes * minute),
      sessionKey,
      visitorHash
    })
    const startOf = (...rows: ReadonlyArray<Lead.VisitorRow>) => {
      const visit = Lead.visitOf(rows, at)
      return [visit?.sessionKey, ((visit?.startedAt ?? 0) - at) / minute]
    }
    assert.deepStrictEqual(startOf(row(20, "s", "v"), row(10, "t", "v"), row(5, "s", "v")), ["t", -10])
    assert.deepStrictEqual(startOf(row(20, "s", "yesterday"), row(10, "s", "v")), ["s", -10])
    assert.deepStrictEqual(startOf(row(20, "yesterday", "yesterday")), ["yesterday", -20])
  })

  it("earlier rows are needed if the run may have begun before, or if nothing was found for a late lead", () => {
    const needs = (isLate: boolean, ...ages: ReadonlyArray<number>) =>
      Lead.needsEarlierRows(
        { isLate },
        ages.map((age) => viewAt(at - age * minute)),
        at - 120 * minute
      )
    assert.isFalse(needs(false))
    assert.isTrue(needs(true))
    assert.isFalse(needs(false, 1, 89))
    assert.isTrue(needs(false, 1, 90))
  })
})
