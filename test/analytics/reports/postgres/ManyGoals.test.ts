/** A website with many goals, as earlier versions allowed, does not stop the rollups of others. */
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { Goals as GoalsService, maxCounted } from "../../../../src/analytics/Goal.ts"
import * as Goals from "../../../../src/analytics/postgres/Goals.ts"
import * as DayRollUp from "../../../../src/analytics/reports/postgres/DayRollUp.ts"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import * as FailedItems from "../../../../src/platform/rounds/postgres/FailedItems.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory as Sites } from "../../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

const live = Layer.mergeAll(SiteDirectory.layer(), Goals.layer).pipe(Layer.provideMerge(TestClient.layer))

/** A website with this many page views of two days ago. Each of its goals takes PostgreSQL half a millisecond per page view. */
const newSite = Effect.fnUntraced(function* (counts: { readonly goals: number; readonly views: number }) {
  const sql = yield* PgClient.PgClient
  const site = yield* Sites.use((sites) => sites.create({ name: "A", origins: [] }))
  yield* sql`INSERT INTO goal (goal_id, website_config_id, name, kind, value, created_at)
    SELECT gen_random_uuid(), ${site.websiteConfigId}, 'goal ' || n, 'page', '/*' || repeat('x', 480) || n,
      now() + n * interval '1 second'
    FROM generate_series(1, ${counts.goals}::int) AS n`
  yield* sql`INSERT INTO page_view (hosted_website_id, visitor_hash, path, received_at, session_id)
    SELECT ${site.hostedWebsiteId}, decode(lpad(to_hex(n), 32, '0'), 'hex'), '/' || n || repeat('x', 1800),
      now() - interval '50 hours', gen_random_uuid()
    FROM generate_series(1, ${counts.views}::int) AS n`
  return site
})

const rolledDays = (site: { readonly hostedWebsiteId: string }) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) => sql`SELECT FROM rollup_day WHERE hosted_website_id = ${site.hostedWebsiteId}`
  ).pipe(Effect.map(({ length }) => length))

layer(live, { excludeTestServices: true })("websites with many goals", (it) => {
  it.effect("a website whose rollup takes too long is left out for a while, and the others are rolled up", () =>
    Effect.gen(function* () {
      const slow = yield* newSite({ goals: maxCounted, views: 1_000 })
      const other = yield* newSite({ goals: 1, views: 10 })
      const round = RollUpLoop.round.pipe(Effect.provideService(DayRollUp.MaxStatement, 1_000))
      yield* round
      assert.strictEqual(yield* rolledDays(slow), 0)
      assert.isAbove(yield* rolledDays(other), 0)
      const failed = yield* FailedItems.list
      assert.lengthOf(failed, 1)
      assert.strictEqual(failed[0]?.item, slow.hostedWebsiteId)
      // The attempt took a second or more, so that the next one begins twelve seconds later or more.
      assert.isAtLeast((failed[0]?.retryAt ?? 0) - (yield* Clock.currentTimeMillis), 10_000)
      yield* round
      assert.deepStrictEqual(yield* FailedItems.list, failed)
    })
  )

  it.effect("the oldest goals count, up to a maximum; the others are kept", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* newSite({ goals: 1_000, views: 2 })
      yield* sql`UPDATE goal SET value = '/*' WHERE website_config_id = ${site.websiteConfigId}`
      yield* RollUpLoop.round
      const listed = yield* GoalsService.use((goals) => goals.list(site.websiteConfigId))
      assert.lengthOf(listed, maxCounted)
      assert.strictEqual(listed[0]?.name, "goal 1")
      assert.isAbove(yield* rolledDays(site), 0)
      const [kept] =
        yield* sql`SELECT count(*)::int AS count FROM goal WHERE website_config_id = ${site.websiteConfigId}`
      assert.deepInclude(kept, { count: 1_000 })
    })
  )
})
