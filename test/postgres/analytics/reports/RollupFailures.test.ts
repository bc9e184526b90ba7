import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as RollUpLoop from "../../../../src/postgres/analytics/reports/RollUpLoop.ts"
import * as SiteDirectory from "../../../../src/postgres/sites/SiteDirectory.ts"
import * as Sites from "../../../../src/services/sites/SiteDirectory.ts"
import * as TestDatabase from "../../../support/postgres/TestDatabase.ts"

const live = SiteDirectory.layer({ timeout: "20 seconds" }).pipe(Layer.provideMerge(TestDatabase.layer))

it.live("postgres/analytics/reports: a website whose rollup run fails does not delay other websites", () =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const sites = yield* Sites.SiteDirectory
    // Websites are rolled up in the order of their creation.
    const broken = yield* sites.create({ name: "a", origins: [] })
    const healthy = yield* sites.create({ name: "b", origins: [] })
    for (const { hostedWebsiteId } of [broken, healthy]) {
      yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
        VALUES (${hostedWebsiteId}, now() - interval '3 days', '/', decode(md5('a'), 'hex'))`
    }
    // Makes every rollup run of this website fail.
    yield* sql.unsafe(`ALTER TABLE visit ADD CHECK (hosted_website_id <> '${broken.hostedWebsiteId}')`)
    assert.strictEqual((yield* Effect.flip(RollUpLoop.round))._tag, "SqlError")
    const rolledUp = yield* sql`SELECT DISTINCT hosted_website_id AS id FROM rollup_day`
    assert.deepStrictEqual(rolledUp, [{ id: healthy.hostedWebsiteId }])
  }).pipe(Effect.provide(live))
)
