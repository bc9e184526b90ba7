import { assert, describe, it } from "@effect/vitest"
import * as LocalTime from "../../../src/analytics/reports/LocalTime.ts"
import type { ViewRow } from "../../../src/analytics/reports/Visits.ts"
import * as Visits from "../../../src/analytics/reports/Visits.ts"
import { viewWithoutFacts } from "../../../src/analytics/StoredView.ts"
import { dateOf } from "../../../src/platform/text/Calendar.ts"
import { Rows, rowsOf, TimeZone } from "../../support/Reports.ts"

const minute = 60_000

const timesOf = ({ events, views }: Visits.Visit) =>
  [...views, ...events].map(({ receivedAt }) => receivedAt).sort((left, right) => left - right)

const campaignOf = ({ campaign: { medium, name, source } }: ViewRow) =>
  JSON.stringify([source || null, medium || null, name || null])

const noCampaign = "[null,null,null]"

/** The campaigns at each time at which one session key has rows on one day, in the order of the page views. */
type Times = ReadonlyArray<{ readonly at: number; readonly campaigns: ReadonlyArray<string> }>

/** Whether a visit begins at a time: the definition, read from the rows before it. */
const begins = (times: Times, index: number): boolean => {
  const time = times[index]
  const before = times[index - 1]
  if (time === undefined || before === undefined || time.at - before.at > 30 * minute) return true
  const afterPause = times.findLastIndex(
    ({ at }, place) => place < index && at - (times[place - 1]?.at ?? 0) > 30 * minute
  )
  const earlier = times.slice(Math.max(afterPause, 0), index).flatMap(({ campaigns }) => campaigns)
  const [campaign] = time.campaigns
  return campaign !== undefined && campaign !== earlier.at(-1)
}

const plain: ViewRow = {
  ...viewWithoutFacts,
  receivedAt: 0,
  path: "/",
  visitorHash: "00".repeat(16)
}

const noon = Date.UTC(2026, 10, 30, 12)

/** The entry pages of the visits of one visitor, whose page views are given by their minute, page and campaign. */
const entries = (
  views: ReadonlyArray<readonly [minute: number, path: string, source?: string | null, more?: Partial<ViewRow>]>,
  timeZone = "UTC"
) =>
  Visits.make(
    {
      views: views.map(([at, path, source, more]) => ({
        ...plain,
        receivedAt: noon + at * minute,
        path,
        campaign: { ...plain.campaign, source: source ?? null },
        ...more
      })),
      events: [],
      conversions: [],
      goals: []
    },
    timeZone
  )
    .toSorted((left, right) => left.startedAt - right.startedAt)
    .map(({ landing }) => landing?.path)

describe("analytics/reports/Visits", () => {
  it.prop(
    "a visit begins with the first row of a key on a day, after 30 minutes, and with another campaign",
    { rows: Rows, timeZone: TimeZone },
    ({ rows: shape, timeZone }) => {
      const rows = rowsOf(shape)
      const dayOf = (time: number) => dateOf(LocalTime.zone(timeZone).toLocal(time))
      const visits = Visits.make(rows, timeZone)
      for (const [group, ofGroup] of Map.groupBy(visits, (visit) => `${visit.sessionKey} ${dayOf(visit.startedAt)}`)) {
        const own = <
          R extends { readonly sessionId: string | null; readonly visitorHash: string; readonly receivedAt: number }
        >(
          all: ReadonlyArray<R>
        ) => all.filter((row) => `${Visits.sessionKey(row)} ${dayOf(row.receivedAt)}` === group)
        const views = ofGroup.flatMap((visit) => visit.views)
        const times = [...new Set([...own(rows.views), ...own(rows.events)].map(({ receivedAt }) => receivedAt))]
          .sort((left, right) => left - right)
          .map((at) => ({
            at,
            campaigns: views
              .filter(({ receivedAt }) => receivedAt === at)
              .map(campaignOf)
              .filter((campaign) => campaign !== noCampaign)
          }))
        const starts = times.flatMap(({ at }, index) => (begins(times, index) ? [at] : []))
        assert.deepStrictEqual(
          ofGroup.map(({ startedAt }) => startedAt).sort((left, right) => left - right),
          starts
        )
        for (const visit of ofGroup) {
          const found = timesOf(visit)
          assert.deepStrictEqual([found[0], found.at(-1)], [visit.startedAt, visit.endedAt])
          assert.isFalse(starts.some((start) => start > visit.startedAt && start <= visit.endedAt))
        }
      }
    }
  )

  it("another campaign and the first one begin a visit; a reload, a page without one and a referrer do not", () => {
    assert.deepStrictEqual(
      entries([
        [0, "/"],
        [5, "/spring", "spring"],
        [6, "/spring", "spring"],
        [8, "/b"]
      ]),
      ["/", "/spring"]
    )
    assert.deepStrictEqual(
      entries([
        [0, "/a", "a"],
        [5, "/"],
        [10, "/again", "a"],
        [20, "/b", "b"],
        [25, "/c", "a"]
      ]),
      ["/a", "/b", "/c"]
    )
    assert.deepStrictEqual(
      entries([
        [0, "/"],
        [5, "/b", null, { referrerHost: "news.example" }]
      ]),
      ["/"]
    )
    assert.deepStrictEqual(
      entries([
        [0, "/a", "a"],
        [30, "/b"],
        [60, "/c", "a"],
        [91, "/d", "a"]
      ]),
      ["/a", "/d"]
    )
    assert.deepStrictEqual(
      entries([
        [0, "/a"],
        [5, "/b", ""]
      ]),
      ["/a"]
    )
  })

  it("a visit ends at the midnight of the website, not at that of UTC", () => {
    const aroundMidnight = [
      [719, "/a"],
      [721, "/b"]
    ] as const
    const session = { sessionId: "s" }
    assert.deepStrictEqual(entries(aroundMidnight), ["/a", "/b"])
    assert.deepStrictEqual(entries(aroundMidnight, "America/New_York"), ["/a"])
    // 17:30 in Kathmandu is 11:45 in UTC, midnight in Kathmandu is 18:15 in UTC.
    const evening = [
      [374, "/a", null, session],
      [376, "/b", null, session]
    ] as const
    assert.deepStrictEqual(entries(evening, "Asia/Kathmandu"), ["/a", "/b"])
    assert.deepStrictEqual(entries(evening), ["/a"])
  })

  it.prop(
    "every page view and event is in exactly one visit, which has its session key",
    { rows: Rows, timeZone: TimeZone },
    ({ rows: shape, timeZone }) => {
      const rows = rowsOf(shape)
      const visits = Visits.make(rows, timeZone)
      assert.sameMembers(
        visits.flatMap(({ views }) => views),
        [...rows.views]
      )
      assert.sameMembers(
        visits.flatMap(({ events }) => events),
        [...rows.events]
      )
      for (const { events, sessionKey, views } of visits) {
        for (const row of [...views, ...events]) assert.strictEqual(Visits.sessionKey(row), sessionKey)
      }
    }
  )

  it.prop(
    "a conversion belongs to the visit with its session key that contains its `visitStartedAt`, if there is one",
    { rows: Rows },
    ({ rows: shape }) => {
      const rows = rowsOf(shape)
      const visits = Visits.make(rows, "UTC")
      for (const conversion of rows.conversions) {
        const owners = visits.filter(({ conversions }) => conversions.includes(conversion))
        assert.isAtMost(owners.length, 1)
        const expected = visits.filter(
          ({ endedAt, sessionKey, startedAt }) =>
            sessionKey === conversion.sessionKey &&
            startedAt <= conversion.visitStartedAt &&
            conversion.visitStartedAt <= endedAt
        )
        assert.deepStrictEqual(owners, expected)
      }
    }
  )

  it.prop("a bounce has one page view, no interactive event, and no duration", { rows: Rows }, ({ rows }) => {
    for (const visit of Visits.make(rowsOf(rows), "UTC")) {
      const isBounce = visit.views.length === 1 && visit.events.every(({ isInteractive }) => !isInteractive)
      assert.strictEqual(visit.isBounce, isBounce)
      assert.strictEqual(visit.duration, isBounce ? 0 : Math.floor((visit.endedAt - visit.startedAt) / 1000))
    }
  })
})
