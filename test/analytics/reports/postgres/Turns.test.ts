/** Websites that take longer than a turn, and processes that roll up at the same time. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Schema } from "effect"
import * as LocalTime from "../../../../src/analytics/reports/LocalTime.ts"
import * as DayRollUp from "../../../../src/analytics/reports/postgres/DayRollUp.ts"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import type { Query } from "../../../../src/analytics/reports/Query.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import { check } from "../../../support/postgres/ReportCheck.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

/** A website with one page view on each of some successive days, and `more` on the last, 2026-10-05. */
const newSite = Effect.fnUntraced(function* (days: number, more: number) {
  const sql = yield* PgClient.PgClient
  const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
  yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
    SELECT ${PgTypes.uuid(site.hostedWebsiteId)}, timestamptz '2026-10-05 12:00Z' - n * interval '1 day', '/', decode(md5(n::text), 'hex')
    FROM generate_series(0, ${PgTypes.int4(days - 1)}) AS n
    UNION ALL SELECT ${PgTypes.uuid(site.hostedWebsiteId)}, timestamptz '2026-10-05 13:00Z' + n * interval '1 second', '/' || n % 10,
      decode(md5((n / 3)::text), 'hex') FROM generate_series(1, ${PgTypes.int4(more)}) AS n`
  return site
})

const Rolled = Schema.Tuple([Schema.Struct({ days: Schema.Int, isFinished: Schema.Boolean })])

/** The number of rolled up days of a website, and whether none is left. */
const rolled = (hostedWebsiteId: string) =>
  PgClient.PgClient.use((sql) =>
    sql`SELECT (SELECT count(*)::int FROM rollup_day WHERE hosted_website_id = ${hostedWebsiteId}) AS days,
      EXISTS (SELECT FROM rollup_site WHERE hosted_website_id = ${hostedWebsiteId} AND rolled_before IS NOT NULL) AS "isFinished"`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Rolled)),
      Effect.map(([found]) => found)
    )
  )

const queryOf = (range: Query["range"]): Query => ({
  ...ReportQuery.plain,
  siteId: "",
  metrics: ["visitors", "visits", "pageviews", "bounce_rate"],
  dimensions: ["event:page"],
  range,
  timeZone: "UTC",
  limit: 1000
})

/** A clock on which each look at the time takes six seconds, so that a turn has room for one transaction. */
const slow = Effect.map(Clock.Clock, (clock): Clock.Clock => {
  let looks = 0
  const millis = () => clock.currentTimeMillisUnsafe() + 6000 * looks++
  const nanos = () => BigInt(clock.currentTimeMillisUnsafe()) * 1_000_000n
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
})

layer(live, { excludeTestServices: true })("analytics/reports/postgres: turns", (it) => {
  it.effect(
    "a website that takes longer than a turn is finished by later rounds, and each of them serves the others",
    () =>
      Effect.gen(function* () {
        // Three transactions, each for at most 366 days. With 10,000 rows or fewer, it would have no turn of its own.
        const large = yield* newSite(2 * 366 + 1, 10_000)
        const clock = yield* slow
        const round = Effect.provideService(RollUpLoop.round, Clock.Clock, clock)
        const reached: Array<number> = []
        for (let rounds = 0; !(yield* rolled(large.hostedWebsiteId)).isFinished; rounds++) {
          assert.isBelow(rounds, 10)
          const small = yield* newSite(3, 10)
          yield* round
          assert.isTrue((yield* rolled(small.hostedWebsiteId)).isFinished)
          reached.push((yield* rolled(large.hostedWebsiteId)).days)
        }
        assert.isAtLeast(reached.length, 3)
        assert.deepStrictEqual(reached, [...new Set(reached)], "each round goes on where the one before ended")
        yield* check(large, [queryOf({ first: "2026-09-01", last: "2026-10-05" })], "after the rounds")
      })
  )

  it.effect("two processes roll up two websites at once, each website in one of them", () =>
    Effect.gen(function* () {
      const sites = [yield* newSite(40, 10_000), yield* newSite(40, 10_000)]
      const processes = Effect.all([RollUpLoop.round, RollUpLoop.round], { concurrency: "unbounded" })
      yield* Effect.repeat(processes, { until: ([one, other]) => !one && !other, times: 20 })
      for (const site of sites) {
        assert.isTrue((yield* rolled(site.hostedWebsiteId)).isFinished)
        yield* check(site, [queryOf({ first: "2026-09-20", last: "2026-10-05" })], "after the rounds")
      }
    })
  )

  it.effect("two processes store the visits of an open day at once, and none of its page views counts twice", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* newSite(1, 3000)
      const [day] = LocalTime.days("UTC", "2026-10-05", "2026-10-05")
      if (day === undefined) return assert.fail()
      yield* DayRollUp.deleteOutdated(sql, DayRollUp.only(site))
      const advance = (horizon: number) =>
        DayRollUp.advance(sql, site, day, horizon, 250).pipe(
          Effect.catchTag("Busy", () => Effect.succeed(false)),
          Effect.repeat({ until: (isDone) => isDone })
        )
      for (const minutes of [785, 800, 815]) {
        const horizon = day.start + minutes * 60_000
        yield* Effect.all([advance(horizon), advance(horizon)], { concurrency: "unbounded" })
        yield* check(site, [queryOf({ first: "2026-10-05", last: "2026-10-05" })], `at minute ${minutes}`)
      }
    })
  )
})
