import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { SiteActivity } from "../../src/activity/Activity.ts"
import * as LiveFeeds from "../../src/activity/LiveFeeds.ts"
import * as Visits from "../../src/analytics/reports/Visits.ts"
import { plainEvent, plainView, rowsOf, TimeZone } from "../support/Reports.ts"
import { site } from "../support/TestStorage.ts"

const minute = 60_000

const now = Date.UTC(2026, 9, 26, 12)

const Received = Schema.Struct({
  minutesAgo: Schema.Literals([0, 1, 2, 4, 5, 6, 10, 25, 29, 30, 31, 36, 50, 59, 60, 61, 75, 100, 130, 300, 700]),
  visitor: Schema.Literals([0, 1, 2]),
  isEvent: Schema.Boolean,
  source: Schema.NullOr(Schema.Literals(["google", "newsletter"]))
})

const Rows = Schema.Array(Received).check(Schema.isMaxLength(25))

const toRows = (drawn: typeof Rows.Type) => {
  const at = ({ minutesAgo, visitor }: (typeof drawn)[number]) => ({ age: minutesAgo * minute, visitor })
  const made = rowsOf({
    views: drawn.filter(({ isEvent }) => !isEvent).map((row) => ({ ...plainView, ...at(row), source: row.source })),
    events: drawn.filter(({ isEvent }) => isEvent).map((row) => ({ ...plainEvent, ...at(row) })),
    conversions: [],
    goalCount: 0
  })
  return { ...made, views: made.views, events: made.events }
}

type Stored = ReturnType<typeof toRows>

/** Reads rows from memory. `reads` has the queries. */
const reader = (stored: Stored) => {
  const reads: Array<Parameters<SiteActivity["Service"]["rows"]>[1]> = []
  const rows: SiteActivity["Service"]["rows"] = (_, query) =>
    Effect.sync(() => {
      reads.push(query)
      const latest = <R extends Parameters<typeof Visits.sessionKey>[0] & { readonly receivedAt: number }>(
        all: ReadonlyArray<R>
      ) =>
        all
          .filter(({ receivedAt }) => receivedAt >= query.from && receivedAt <= query.to)
          .sort((left, right) => right.receivedAt - left.receivedAt)
          .slice(0, query.searched)
          .filter((row) => query.keys === "all" || query.keys.includes(Visits.sessionKey(row)))
      const { hostedWebsiteId } = site
      return [
        ...latest(stored.views).map((view) => ({
          type: "pageview" as const,
          view: { ...view, exclusion: null, hostedWebsiteId }
        })),
        ...latest(stored.events).map((event) => ({ type: "event" as const, event: { ...event, hostedWebsiteId } }))
      ]
    })
  return { reads, rows }
}

const facts = ({ endedAt, sessionKey, startedAt, views }: Visits.Visit) =>
  `${sessionKey} ${startedAt} ${endedAt} ${views.length}`

describe("activity/LiveFeeds", () => {
  it.effect.prop(
    "reads the visits that have a row in the last five minutes, as they are with all rows, in two reads at most",
    { drawn: Rows, timeZone: TimeZone, limit: Schema.Literals([1, 3, 500]) },
    ({ drawn, limit, timeZone }) =>
      Effect.gen(function* () {
        const stored = toRows(drawn)
        const { reads, rows } = reader(stored)
        const found = yield* LiveFeeds.visitsNow(rows, { ...site, timeZone }, now, limit)
        const all = Visits.make(stored, timeZone).filter(({ endedAt }) => endedAt > now - 5 * minute)
        // With a small limit, only visits with one of the latest rows are found.
        if (limit === 500) assert.sameMembers(found.map(facts), all.map(facts))
        else assert.includeMembers(all.map(facts), found.map(facts))
        assert.isAtMost(reads.length, 2)
      })
  )

  it.effect("shows a visit that began hours ago with all its pages, and at most fifty visits", () =>
    Effect.gen(function* () {
      const long = Array.from({ length: 20 }, (_, index) => ({ minutesAgo: index * 29, visitor: 0 }))
      const views = [
        ...long,
        ...Array.from({ length: 80 }, (_, index) => ({ minutesAgo: 1 + (index % 4), visitor: index + 1 }))
      ]
      const made = rowsOf({
        views: views.map(({ minutesAgo, visitor }) => ({ ...plainView, age: minutesAgo * minute, visitor })),
        events: [],
        conversions: [],
        goalCount: 0
      })
      const stored = {
        ...made,
        views: made.views.map((view, index) => ({ ...view, visitorHash: `${views[index]?.visitor}` }))
      }
      const found = yield* LiveFeeds.visitsNow(reader(stored).rows, site, now)
      assert.lengthOf(found, LiveFeeds.maxVisits)
      const shown = LiveFeeds.shown(found, "secret")
      assert.deepInclude(shown.at(-1), { pageviews: 20, started_at: new Date(now - 19 * 29 * minute).toISOString() })
    })
  )

  it("shows the page of the last row, the first source, and a key that only the secret's process can make", () => {
    const made = rowsOf({
      views: [
        { ...plainView, age: 3 * minute, path: "/", source: "google" },
        { ...plainView, age: 2 * minute, path: "/pricing", country: "FR" }
      ],
      events: [{ ...plainEvent, age: minute, path: "/thanks/1" }],
      conversions: [],
      goalCount: 0
    })
    const visits = Visits.make(made, "UTC")
    const [shown] = LiveFeeds.shown(visits, "a")
    const { key, ...others } = shown ?? assert.fail()
    assert.deepStrictEqual(others, {
      started_at: new Date(now - 3 * minute).toISOString(),
      page: "/thanks/1",
      pageviews: 2,
      source: "google",
      country: null,
      device: null,
      browser: null
    })
    assert.match(key, /^[0-9a-f]{16}$/)
    assert.strictEqual(LiveFeeds.shown(visits, "a")[0]?.key, key)
    assert.notStrictEqual(LiveFeeds.shown(visits, "b")[0]?.key, key)
  })
})
