/** Erasures that end before they are complete. */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import * as Analytics from "../../../src/analytics/AnalyticsRepo.ts"
import * as AnalyticsRepo from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as Columns from "../../../src/platform/postgres/Columns.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import * as Maintenance from "../../../src/privacy/postgres/Maintenance.ts"
import * as Sites from "../../../src/sites/SiteDirectory.ts"
import * as Erasure from "../../../src/sites/SiteErasure.ts"
import { countViews, create, erase, live, nothing, view } from "../../support/postgres/ErasedSite.ts"
import * as Locks from "../../support/postgres/Locks.ts"

describe("privacy/postgres/SiteErasure: interrupted", () => {
  /** A website whose erasure began `ago` and was interrupted before it deleted the website's page view. */
  const interruptedSite = Effect.fnUntraced(function* (ago: string) {
    const sql = yield* PgClient.PgClient
    const site = yield* create
    yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
    yield* sql`UPDATE site SET deleted_at = now() - ${ago}::interval
      WHERE website_config_id = ${PgTypes.uuid(site.websiteConfigId)}`
    return site
  })

  it.live("lookups do not find the website, it accepts no data, keeps its name, and a repeated erasure completes", () =>
    Effect.gen(function* () {
      const sites = yield* Sites.SiteDirectory
      const erasure = yield* Erasure.SiteErasure
      const site = yield* interruptedSite("1 minute")
      assert.isTrue(Option.isNone(yield* sites.byTrackingToken(site.trackingToken)))
      assert.isTrue(Option.isNone(yield* sites.byWebsiteConfigId(site.websiteConfigId)))
      assert.isTrue(Option.isNone(yield* sites.update(site.websiteConfigId, { name: "b" })))
      assert.deepStrictEqual(yield* sites.list, [])
      const refused = yield* Analytics.AnalyticsRepo.use((repo) => Effect.flip(repo.append(view(site.hostedWebsiteId))))
      assert.deepInclude(refused, { _tag: "RecordRefused", reason: "unknown-site" })
      assert.deepStrictEqual(yield* erasure.nameOf(site.websiteConfigId), Option.some("a"))
      assert.deepStrictEqual(yield* erase(site.websiteConfigId), Option.some({ ...nothing, page_views: 1 }))
      assert.deepStrictEqual(yield* erasure.nameOf(site.websiteConfigId), Option.none())
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("an erasure that fails does not prevent other erasures", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const erasure = yield* Erasure.SiteErasure
      const [first, second] = [yield* interruptedSite("3 hours"), yield* interruptedSite("2 hours")]
      yield* sql.unsafe(`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF OLD.website_config_id = '${first.websiteConfigId}' THEN RAISE 'not deleted'; END IF; RETURN OLD; END $$`)
      yield* sql`CREATE TRIGGER keep BEFORE DELETE ON site FOR EACH ROW EXECUTE FUNCTION keep()`
      assert.isFalse(
        yield* Maintenance.round({ pageViews: Option.none(), submissions: Option.none(), conversations: Option.none() })
      )
      assert.deepStrictEqual(yield* erasure.nameOf(first.websiteConfigId), Option.some("a"))
      assert.deepStrictEqual(yield* erasure.nameOf(second.websiteConfigId), Option.none())
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("an erasure whose connection is cut during the last step is completed", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* create
      yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
      const client = yield* Database.dedicated()
      // A lock like that of a batch of submissions: the last step of an erasure waits for it, and the first step does not.
      const blocker = yield* Locks.openTransaction(client, client`SELECT 1 FROM site FOR KEY SHARE`)
      const erasure = yield* Effect.forkChild(erase(site.websiteConfigId))
      yield* Locks.terminateWaiting(sql)
      yield* blocker.commit
      assert.deepStrictEqual(yield* Fiber.join(erasure), Option.some({ ...nothing, page_views: 1 }))
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("the maintenance completes an interrupted erasure after an hour", () =>
    Effect.gen(function* () {
      const erasure = yield* Erasure.SiteErasure
      const [due, recent, notErased] = [
        yield* interruptedSite("61 minutes"),
        yield* interruptedSite("59 minutes"),
        yield* create
      ]
      assert.isTrue(
        yield* Maintenance.round({ pageViews: Option.none(), submissions: Option.none(), conversations: Option.none() })
      )
      for (const [site, name, views] of [
        [due, Option.none(), 0],
        [recent, Option.some("a"), 1],
        [notErased, Option.some("a"), 0]
      ] as const) {
        assert.deepStrictEqual(yield* erasure.nameOf(site.websiteConfigId), name)
        assert.strictEqual(yield* countViews(site.hostedWebsiteId), views)
      }
    }).pipe(Effect.scoped, Effect.provide(live))
  )
})
