import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Statistics from "../../../src/core/analytics/Statistics.ts"
import { now, Shape, viewOf } from "../../suites/PageViews.ts"

const Shapes = Schema.Array(Shape).check(Schema.isMaxLength(40))
const Days = Schema.Literals([1, 2, 7, 30])
const site = "site"
const total = (counts: ReadonlyArray<{ readonly pageViews: number }>) =>
  counts.reduce((sum, { pageViews }) => sum + pageViews, 0)

const listsOf = (statistics: Statistics.Statistics) => Statistics.makeLists((list) => statistics[list])

describe("core/analytics/Statistics", () => {
  it("each list counts its own field", () => {
    const view = viewOf(site, {
      age: 0,
      path: "/p",
      campaign: { source: "s", medium: "m", name: "c", term: "t", content: "o" },
      referrerHost: "r.example",
      referrerPath: "/",
      deviceType: "mobile",
      screenWidth: null,
      sessionId: null,
      browser: "Firefox",
      os: "Android",
      visitor: 0,
      country: null,
      exclusion: null
    })
    const one = (name: string) => [{ name, pageViews: 1 }]
    assert.deepStrictEqual(listsOf(Statistics.aggregate([view], { hostedWebsiteId: site, days: 1, now })), {
      pages: one("/p"),
      referrers: one("r.example"),
      sources: one("s"),
      mediums: one("m"),
      campaigns: one("c"),
      terms: one("t"),
      contents: one("o"),
      browsers: one("Firefox"),
      operatingSystems: one("Android"),
      devices: one("mobile")
    })
  })

  it.prop("the order of views does not matter", [Shapes, Days], ([shapes, days]) => {
    const views = shapes.map((shape) => viewOf(site, shape))
    const query = { hostedWebsiteId: site, days, now }
    assert.deepStrictEqual(Statistics.aggregate([...views].reverse(), query), Statistics.aggregate(views, query))
  })

  it.prop("bots, other sites and other days are not counted", [Shapes, Days], ([shapes, days]) => {
    const query = { hostedWebsiteId: site, days, now }
    const { from, to } = Statistics.period(query)
    const views = shapes.map((shape) => viewOf(site, shape))
    const noise = views.flatMap((view) => [
      { ...view, exclusion: "bot" as const },
      { ...view, hostedWebsiteId: "other" },
      { ...view, receivedAt: from - 1 },
      { ...view, receivedAt: to }
    ])
    assert.deepStrictEqual(Statistics.aggregate([...noise, ...views], query), Statistics.aggregate(views, query))
  })

  it.prop("the days add up to the total, and no list exceeds it", [Shapes, Days], ([shapes, days]) => {
    const views = shapes.map((shape) => viewOf(site, shape))
    const result = Statistics.aggregate(views, { hostedWebsiteId: site, days, now })
    const { from, to } = Statistics.period({ days, now })
    const counted = views.filter((view) => view.exclusion === null && view.receivedAt >= from && view.receivedAt < to)
    assert.strictEqual(result.pageViews, counted.length)
    assert.strictEqual(total(result.days), result.pageViews)
    assert.strictEqual(
      result.days.reduce((sum, day) => sum + day.visitors, 0),
      result.visitors
    )
    for (const counts of Object.values(listsOf(result))) {
      assert.isAtMost(counts.length, Statistics.maxCounts)
      assert.isAtMost(total(counts), result.pageViews)
    }
    if (new Set(counted.map((view) => view.path)).size <= Statistics.maxCounts) {
      assert.strictEqual(total(result.pages), result.pageViews)
    }
    for (const day of result.days)
      assert.isTrue(day.visitors <= day.pageViews && day.visitors > 0 === day.pageViews > 0)
    assert.isAtMost(result.sessions, result.pageViews)
    assert.strictEqual(result.sessions > 0, result.pageViews > 0)
  })

  it.prop("a repeated view counts as a view and not as a visitor", [Shapes, Days], ([shapes, days]) => {
    const views = shapes.map((shape) => viewOf(site, shape))
    const query = { hostedWebsiteId: site, days, now }
    const [once, twice] = [Statistics.aggregate(views, query), Statistics.aggregate([...views, ...views], query)]
    assert.deepStrictEqual(
      [twice.pageViews, twice.visitors, twice.sessions],
      [2 * once.pageViews, once.visitors, once.sessions]
    )
    assert.deepStrictEqual(
      listsOf(twice),
      Statistics.makeLists((list) => once[list].map(({ name, pageViews }) => ({ name, pageViews: 2 * pageViews })))
    )
    assert.deepStrictEqual(
      twice.days,
      once.days.map((day) => ({ ...day, pageViews: 2 * day.pageViews }))
    )
  })

  it.prop(
    "a period is consecutive UTC days and ends with the day of `now`",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_102_444_800_000 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 800 }))
    ],
    ([now, days]) => {
      const { dates, from, to } = Statistics.period({ days, now })
      assert.strictEqual(to - from, days * 86_400_000)
      assert.isTrue(from <= now && now < to)
      assert.strictEqual(dates.at(-1), new Date(now).toISOString().slice(0, 10))
      assert.deepStrictEqual(
        dates,
        dates.map((_, index) => new Date(from + index * 86_400_000).toISOString().slice(0, 10))
      )
      assert.strictEqual(new Set(dates).size, days)
    }
  )

  it.prop("a period of any number of days is bounded", [Schema.Number], ([days]) => {
    const { dates } = Statistics.period({ days, now })
    assert.isTrue(dates.length >= 1 && dates.length <= Statistics.maxDays)
  })
})
