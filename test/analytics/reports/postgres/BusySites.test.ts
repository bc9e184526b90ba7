/** Only the websites of which many page views were stored are looked at for the visits of their open days. */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { AnalyticsRepo as Repo } from "../../../../src/analytics/AnalyticsRepo.ts"
import type { PageView } from "../../../../src/analytics/PageView.ts"
import * as AnalyticsRepo from "../../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as OpenDays from "../../../../src/analytics/reports/postgres/OpenDays.ts"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import { viewWithoutFacts } from "../../../../src/analytics/StoredView.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as TestTime from "../../../support/TestTime.ts"

const live = Layer.merge(SiteDirectory.layer(), AnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 10_000 })).pipe(
  Layer.provideMerge(TestClient.layer)
)

const many = OpenDays.maxTail + 1

describe("analytics/reports/postgres/BusySites", () => {
  it("a website is due some time after many of its page views, until it is removed", () => {
    const { add, count, due, remove } = OpenDays.makeBusySites()
    const ids = (times: number) => Array.from({ length: times }, () => "a")
    assert.isNull(count(ids(OpenDays.maxTail), 1000))
    assert.strictEqual(count(["b", "a"], 2000), 2000 + OpenDays.maxUnmarkedDelay)
    assert.deepStrictEqual(due(2000), [])
    assert.deepStrictEqual(due(2000 + OpenDays.maxUnmarkedDelay), ["a"])
    remove(["a"], 2000 + OpenDays.maxUnmarkedDelay)
    add(["b"])
    assert.deepStrictEqual(due(2000 + OpenDays.maxUnmarkedDelay), ["b"])
    // The count begins again.
    assert.isNull(count(ids(OpenDays.maxTail), 3000))
  })

  it("a website with many page views since it became due stays due until they are stored", () => {
    const { count, due, remove } = OpenDays.makeBusySites()
    const burst = Array.from({ length: many }, () => "a")
    const [first, second] = [1000 + OpenDays.maxUnmarkedDelay, 5000 + OpenDays.maxUnmarkedDelay]
    assert.strictEqual(count(burst, 1000), first)
    assert.strictEqual(count(burst, 5000), second)
    assert.deepStrictEqual(due(first), ["a"])
    remove(["a"], first)
    assert.deepStrictEqual(due(first), [])
    assert.deepStrictEqual(due(second), ["a"])
    remove(["a"], second)
    assert.deepStrictEqual(due(Number.POSITIVE_INFINITY), [])
  })

  it.live("the visits of an open day are stored if this process has stored many page views", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const busy = OpenDays.makeBusySites()
      const sites = yield* Sites.SiteDirectory
      // It is after midnight, and long before the next, where these websites are.
      const hour = new Date(TestTime.ofMachine()).getUTCHours()
      const timeZone = hour < 4 ? "Pacific/Kiritimati" : "UTC"
      const [noted, other] = [
        yield* sites.create({ name: "a", origins: [], timeZone }),
        yield* sites.create({ name: "b", origins: [], timeZone })
      ]
      yield* RollUpLoop.round
      for (const { hostedWebsiteId } of [noted, other]) {
        yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          SELECT ${PgTypes.uuid(hostedWebsiteId)}, now() - interval '1 hour', '/', uuid_send(gen_random_uuid())
          FROM generate_series(1, ${many}::int)`
        yield* sql`DELETE FROM rollup_stale`
      }
      const advance = OpenDays.advanceBusy.pipe(Effect.provideService(OpenDays.BusySites, busy))
      assert.isFalse(yield* advance)
      busy.add([noted.hostedWebsiteId])
      assert.isTrue(yield* advance)
      assert.deepStrictEqual(yield* sql`SELECT DISTINCT hosted_website_id AS id FROM visit`, [
        { id: noted.hostedWebsiteId }
      ])
      assert.isFalse(yield* advance)
      assert.deepStrictEqual(busy.due(Number.POSITIVE_INFINITY), [])
    }).pipe(Effect.provide(live))
  )

  it.live("page views are counted when they are stored, bots' excepted", () =>
    Effect.gen(function* () {
      const busy = OpenDays.makeBusySites()
      const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      const receivedAt = TestTime.ofMachine()
      const view = (exclusion: PageView["exclusion"]): PageView => ({
        ...viewWithoutFacts,
        ...{ hostedWebsiteId: site.hostedWebsiteId, receivedAt, path: "/", exclusion, visitorHash: "00".repeat(16) },
        sessionId: randomUUID()
      })
      const store = (views: ReadonlyArray<PageView>) =>
        Effect.gen(function* () {
          const repo = yield* Repo
          yield* Effect.forEach(views, (one) => repo.append(one), { concurrency: "unbounded" })
        }).pipe(
          Effect.provide(AnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 10_000 })),
          Effect.provideService(OpenDays.BusySites, busy)
        )
      yield* store(Array.from({ length: many }, () => view("bot")))
      assert.deepStrictEqual(busy.due(Number.POSITIVE_INFINITY), [])
      yield* store(Array.from({ length: many }, () => view(null)))
      assert.deepStrictEqual(busy.due(Number.POSITIVE_INFINITY), [site.hostedWebsiteId])
    }).pipe(Effect.provide(live))
  )
})
