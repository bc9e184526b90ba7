import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import * as Counts from "../../../src/analytics/reports/Counts.ts"
import type { Query, Request } from "../../../src/analytics/reports/Query.ts"
import { Reports } from "../../../src/analytics/reports/Reports.ts"
import * as SharedQuery from "../../../src/analytics/shares/SharedQuery.ts"
import * as SharedReports from "../../../src/analytics/shares/SharedReports.ts"
import { HostedWebsiteId, TrackingToken, WebsiteConfigId } from "../../../src/platform/Id.ts"
import { permit } from "../../../src/sites/access/Access.ts"
import type { Numbers } from "../../../src/sites/access/Share.ts"
import * as SiteSlots from "../../../src/sites/access/SiteSlots.ts"
import { id } from "../../support/Ids.ts"

/** Every report counts as many visitors as reports have been computed. `asked` gets the queries. */
const layerOf = (asked: Array<Query>) =>
  Layer.suspend(() => {
    let computed = 0
    return Layer.merge(
      SiteSlots.layer,
      Layer.mock(Reports, {
        count: (_, query) =>
          Effect.sync(() => {
            asked.push(query)
            return {
              counted: {
                range: { first: "2026-10-20", last: "2026-10-26" },
                groups: [{ dimensions: [], counts: { ...Counts.none, visitors: 5 * ++computed } }],
                allVisitors: 0
              },
              compared: null
            }
          }),
        currentVisitors: () => Effect.sync(() => 5 * ++computed)
      })
    )
  })

const layer = layerOf([])

const accessOf = (name: string, numbers: Numbers = "protected") => ({
  numbers,
  proof: Option.getOrThrow(
    permit([{ grants: { stats: "read" }, sites: "all" }], "stats", "read", {
      websiteConfigId: id(WebsiteConfigId, name),
      hostedWebsiteId: id(HostedWebsiteId, `hosted ${name}`),
      trackingToken: id(TrackingToken, "token"),
      name: "Shop",
      origins: [],
      timeZone: "UTC",
      createdAt: 0
    })
  )
})

const request = (parts: Partial<Request> = {}): Request => ({
  siteId: "a",
  metrics: ["visitors"],
  dateRange: "7d",
  dimensions: [],
  filters: [],
  orderBy: [],
  comparison: null,
  includeTotalRows: false,
  includeTimeLabels: false,
  limit: 10,
  offset: 0,
  ...parts
})

const pageFilter = (name: string): Partial<Request> => ({
  filters: [{ operator: "is", dimension: "event:page", values: [name] }]
})

const hour = 3_600_000

const settled = Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow)

describe("analytics/shares/SharedReports", () => {
  it.effect(
    "a poller sees one answer an hour, whatever page of it is asked for, and one number of current visitors",
    () =>
      Effect.gen(function* () {
        const { currentVisitors, query } = yield* SharedReports.make
        const access = accessOf("a")
        const pages = [
          {},
          { limit: 11 },
          { includeTotalRows: true },
          { siteId: "other" },
          { limit: SharedQuery.maxRows }
        ]
        yield* TestClock.setTime(100 * hour)
        const seen = new Set<unknown>()
        const now = new Set<unknown>()
        for (let minute = 0; minute < 60; minute++) {
          const { results } = yield* query(access, request(pages[minute % pages.length]))
          seen.add(results[0]?.metrics[0])
          now.add(yield* currentVisitors(access))
          yield* TestClock.adjust("59 seconds")
        }
        assert.deepStrictEqual([seen.size, now.size], [1, 1])
        yield* TestClock.setTime(101 * hour)
        assert.isFalse(seen.has((yield* query(access, request())).results[0]?.metrics[0]))
        assert.isFalse(now.has(yield* currentVisitors(access)))
      }).pipe(Effect.provide(layer))
  )

  it.effect("all queries of an hour count the visits that began before it, of the day on which it began", () => {
    const asked: Array<Query> = []
    return Effect.gen(function* () {
      const { query } = yield* SharedReports.make
      const midnight = Date.parse("2026-10-26")
      for (const minute of [0, 1, 30, 59]) {
        yield* TestClock.setTime(midnight + minute * 60_000)
        yield* query(accessOf("a"), request(pageFilter(`/${minute}`)))
      }
      assert.lengthOf(asked, 4)
      for (const { now, range, untilNow } of asked) {
        assert.deepStrictEqual([now, range.last, untilNow], [midnight, "2026-10-26", true])
      }
    }).pipe(Effect.provide(layerOf(asked)))
  })

  it.effect("a clock that was set back by minutes causes no further answers", () => {
    const asked: Array<Query> = []
    return Effect.gen(function* () {
      const { query } = yield* SharedReports.make
      const access = accessOf("a")
      yield* TestClock.setTime(100 * hour + 60_000)
      const before = yield* query(access, request())
      yield* TestClock.setTime(100 * hour - 60_000)
      assert.deepStrictEqual(yield* query(access, request()), before)
      assert.lengthOf(asked, 1)
    }).pipe(Effect.provide(layerOf(asked)))
  })

  it.effect(
    "other queries of the hour cannot have an answer computed again, nor use up another website's answers",
    () =>
      Effect.gen(function* () {
        const { query } = yield* SharedReports.make
        yield* TestClock.setTime(100 * hour + 60_000)
        const first = yield* query(accessOf("a"), request())
        const most = SharedReports.maxRows.ofWebsite / SharedReports.maxRows.perAnswer
        for (let name = 1; name < most; name++) yield* query(accessOf("a"), request(pageFilter(`/${name}`)))
        const refused = yield* Effect.flip(query(accessOf("a"), request(pageFilter("/another"))))
        assert.strictEqual(refused._tag, "TooManyRequests")
        assert.deepInclude(refused, { headers: { "retry-after": 3_540 } })
        assert.deepStrictEqual((yield* query(accessOf("a"), request())).results, first.results)
        yield* query(accessOf("b"), request(pageFilter("/another")))
        yield* TestClock.setTime(101 * hour)
        yield* query(accessOf("a"), request(pageFilter("/another")))
      }).pipe(Effect.provide(layer))
  )

  it.effect("a website whose reports wait does not hold up the dashboards of others", () =>
    Effect.gen(function* () {
      const slots = yield* SiteSlots.SiteSlots
      const shared = yield* SharedReports.make
      const ends = yield* Effect.replicateEffect(Deferred.make<void>(), 20)
      for (const end of ends) yield* Effect.forkChild(slots.reports.run("busy", Deferred.await(end)))
      yield* settled
      const own = yield* Effect.forkChild(shared.currentVisitors(accessOf("busy")))
      yield* settled
      const other = yield* Effect.forkChild(shared.currentVisitors(accessOf("quiet")))
      yield* settled
      assert.isUndefined(own.pollUnsafe())
      // Each dashboard waits for one of the reports, and not for those that wait.
      for (const [end, dashboard] of [
        [ends[0], own],
        [ends[1], other]
      ] as const) {
        if (end !== undefined) yield* Deferred.succeed(end, undefined)
        yield* settled
        assert.isDefined(dashboard.pollUnsafe())
      }
    }).pipe(Effect.provide(layer))
  )
})
