/**
 * Clock jumps and midnight, over PostgreSQL. The tests set the time of day, and timers use the real clock.
 */
import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Schema } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import * as PageView from "../../src/analytics/PageView.ts"
import * as PgAnalytics from "../../src/analytics/postgres/AnalyticsRepo.ts"
import * as PgSalts from "../../src/analytics/postgres/VisitorSalts.ts"
import { dayAt } from "../../src/analytics/reports/LocalTime.ts"
import * as PgReports from "../../src/analytics/reports/postgres/Reports.ts"
import { VisitorSalts } from "../../src/analytics/VisitorSalts.ts"
import { layerMemory, RateLimiter } from "../../src/platform/limits/RateLimit.ts"
import * as Maintenance from "../../src/privacy/postgres/Maintenance.ts"
import { at } from "../suites/VisitorSalts.ts"
import { countsBy, pageViews } from "../support/Counts.ts"
import * as TestClient from "../support/postgres/TestClient.ts"

const hour = 3_600_000
const forEver = { pageViews: Option.none(), submissions: Option.none(), conversations: Option.none() }
const timeout = "20 seconds"

const layer = Layer.mergeAll(
  PgAnalytics.layer({ timeout, maxQueue: 1_000 }),
  PgSalts.layer,
  PgReports.layer({ timeout })
).pipe(Layer.provideMerge(TestClient.layer))

const midnight = Date.UTC(2024, 10, 25)

/** Creates a site and returns its `hosted_website_id`. */
const newSite = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const id = randomUUID()
  yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
    VALUES (${randomUUID()}, ${id}, ${randomUUID()}, 'test')`
  return id
})

/** Stores a page view of always the same visitor, and returns the visitor's hash. */
const storeView = (hostedWebsiteId: string, now: number, path = "/") =>
  Effect.gen(function* () {
    const salts = yield* VisitorSalts
    const repo = yield* AnalyticsRepo
    const made = PageView.make(
      { page_path: path },
      {
        hostedWebsiteId,
        receivedAt: now,
        address: "203.0.113.7",
        userAgent: "Mozilla/5.0 Firefox/143.0",
        client: { browser: "Firefox", os: "Linux", deviceType: "desktop", isBot: false },
        country: null,
        salt: yield* salts.of(dayAt("UTC", now))
      },
      PageView.noReferrer
    )
    yield* repo.append(made)
    return made.visitorHash
  }).pipe(at(now))

const Days = Schema.Array(Schema.Struct({ day: Schema.String }))
const saltDays = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql`SELECT day::text AS day FROM visitor_salt ORDER BY day`
  return (yield* Schema.decodeUnknownEffect(Days)(rows)).map(({ day }) => day)
})

describe("faults: clocks", () => {
  it.live("a visitor on both sides of midnight is two visitors, one a day, and no view is lost", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const before = yield* storeView(site, midnight - 1)
      const again = yield* storeView(site, midnight - hour)
      const after = yield* storeView(site, midnight)
      assert.strictEqual(before, again)
      assert.notStrictEqual(before, after)
      const days = yield* countsBy(site, ["time:day"], ["pageviews", "visitors"], { days: 2, now: midnight + hour })
      assert.deepStrictEqual(days, [
        ["2024-11-24", 2, 1],
        ["2024-11-25", 1, 1]
      ])
    }).pipe(Effect.provide(layer))
  )

  it.live(
    "a date's salt is deleted two hours after the date ended everywhere: its hashes cannot be computed again",
    () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const yesterday = yield* storeView(site, midnight - hour)
        yield* storeView(site, midnight + hour)
        assert.deepStrictEqual(yield* saltDays, ["2024-11-24", "2024-11-25"])
        assert.isTrue(yield* at(midnight + 14 * hour - 1)(Maintenance.round(forEver)))
        assert.deepStrictEqual(yield* saltDays, ["2024-11-24", "2024-11-25"])
        assert.isTrue(yield* at(midnight + 14 * hour)(Maintenance.round(forEver)))
        assert.deepStrictEqual(yield* saltDays, ["2024-11-25"])
        // A process that starts with a clock of that day gets a new salt: the same visitor has another hash.
        const restarted = Effect.provide(Layer.fresh(PgSalts.layer))
        assert.notStrictEqual(yield* restarted(storeView(site, midnight - hour)), yesterday)
      }).pipe(Effect.provide(layer))
  )

  it.live("a clock that jumps back and forth across midnight loses no page view, and each day keeps its salt", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const hashes = new Map<string, Set<string>>()
      for (const jump of [0, -hour, hour, -2 * hour, 3 * hour, -hour, 0]) {
        const now = midnight + jump
        const day = new Date(now).toISOString().slice(0, 10)
        const ofDay = hashes.get(day) ?? new Set()
        hashes.set(day, ofDay.add(yield* storeView(site, now)))
      }
      assert.deepStrictEqual(
        [...hashes.values()].map((ofDay) => ofDay.size),
        [1, 1]
      )
      const sql = yield* PgClient.PgClient
      assert.lengthOf(yield* sql`SELECT FROM page_view WHERE hosted_website_id = ${site}`, 7)
    }).pipe(Effect.provide(layer))
  )

  it.live("a view of a month without a partition is stored and counted", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const far = Date.UTC(2031, 6, 14)
      yield* storeView(site, far)
      const sql = yield* PgClient.PgClient
      assert.lengthOf(yield* sql`SELECT FROM page_view_default WHERE hosted_website_id = ${site}`, 1)
      assert.strictEqual(yield* pageViews(site, { days: 1, now: far + hour }), 1)
    }).pipe(Effect.provide(layer))
  )

  it.live("setting the clock back refuses no client for longer than the window, and loses no counts", () =>
    Effect.gen(function* () {
      const limiter = yield* RateLimiter
      const policy = { name: "test", limit: 3, windowMillis: 60_000 }
      const take = (now: number) => at(now)(limiter.take(policy, "a client"))
      for (const jump of [0, hour, -hour]) assert.isTrue((yield* take(midnight + jump)).accepted)
      const refused = yield* take(midnight - 2 * hour)
      assert.isFalse(refused.accepted)
      assert.isAtMost(refused.resetMillis, policy.windowMillis)
    }).pipe(Effect.provide(layerMemory({ maxKeys: 10 })))
  )
})
