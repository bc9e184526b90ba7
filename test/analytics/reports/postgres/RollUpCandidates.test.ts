/** Rounds of rollups read only the websites that have something to do. */
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

it.live("analytics/reports/postgres: a round reads the websites with a closed day, a change or other goals only", () =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const sites = yield* Sites.SiteDirectory
    const [goals, late, moved, idle] = yield* Effect.all(
      ["a", "b", "c", "d"].map((name) => sites.create({ name, origins: [], timeZone: "Asia/Kathmandu" }))
    ).pipe(
      Effect.map((all) =>
        all.map(({ hostedWebsiteId, websiteConfigId }) => [hostedWebsiteId, websiteConfigId] as const)
      )
    )
    if (goals === undefined || late === undefined || moved === undefined || idle === undefined) return assert.fail()
    // Ten minutes before a round, so that no day ends between the round and the check.
    const now = (yield* Clock.currentTimeMillis) - 600_000
    const candidates = (before: number) =>
      Effect.map(RollUpLoop.candidates(before), (all) => new Set(all.map(({ hostedWebsiteId }) => hostedWebsiteId)))
    assert.strictEqual((yield* candidates(now)).size, 4)
    assert.isTrue(yield* RollUpLoop.round)
    assert.deepStrictEqual(yield* candidates(now), new Set())
    assert.isFalse(yield* RollUpLoop.round)
    yield* sql`INSERT INTO goal (goal_id, website_config_id, name, kind, value)
      VALUES (gen_random_uuid(), ${goals[1]}, 'Home', 'page', '/')`
    yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
      VALUES (${late[0]}, now() - interval '3 days', '/', decode(md5('a'), 'hex'))`
    yield* sites.update(moved[1], { timeZone: "UTC" })
    assert.deepStrictEqual(yield* candidates(now), new Set([goals[0], late[0], moved[0]]))
    assert.isTrue(yield* RollUpLoop.round)
    assert.deepStrictEqual(yield* candidates(now), new Set())
    assert.isFalse(yield* RollUpLoop.round)
    assert.strictEqual((yield* candidates(now + 3 * 86_400_000)).size, 4)
  }).pipe(Effect.provide(live))
)
