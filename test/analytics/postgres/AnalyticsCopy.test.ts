import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as AnalyticsCopy from "../../../src/analytics/postgres/AnalyticsCopy.ts"
import * as SiteErasure from "../../../src/privacy/postgres/SiteErasure.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory as Sites } from "../../../src/sites/SiteDirectory.ts"
import * as Erasure from "../../../src/sites/SiteErasure.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const live = Layer.mergeAll(SiteDirectory.layer(), SiteErasure.layer).pipe(Layer.provideMerge(TestClient.layer))

const table = AnalyticsCopy.tables.find(({ name }) => name === "conversion")!

/** A website with a conversion, and the rows of its copy's progress. */
const newSite = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const site = yield* Sites.use((sites) => sites.create({ name: "A", origins: [], timeZone: "UTC" }))
  const id = PgTypes.uuid(site.hostedWebsiteId)
  yield* sql`INSERT INTO conversion (hosted_website_id, visit_started_at, session_key, name)
    VALUES (${id}, now(), 'a', 'Form')`
  return {
    site,
    markDeleted: sql`UPDATE site SET deleted_at = now() WHERE hosted_website_id = ${id}`,
    progress: sql`SELECT 1 FROM analytics_copy WHERE hosted_website_id = ${id}`
  }
})

withLayer(live, { excludeTestServices: true })("analytics/postgres/AnalyticsCopy", (it) => {
  it.effect("an erasure deletes the progress of the website's copy", () =>
    Effect.gen(function* () {
      const { site, progress } = yield* newSite
      yield* AnalyticsCopy.copyNext(table, site.hostedWebsiteId, () => Effect.void)
      assert.lengthOf(yield* progress, 1)
      yield* Erasure.SiteErasure.use(({ erase }) => erase(site.websiteConfigId))
      assert.lengthOf(yield* progress, 0)
    })
  )

  it.effect("copies nothing of a website that is being deleted", () =>
    Effect.gen(function* () {
      const { markDeleted, site, progress } = yield* newSite
      yield* markDeleted
      const copied = yield* AnalyticsCopy.copyNext(table, site.hostedWebsiteId, () => Effect.die("sent"))
      assert.deepStrictEqual(copied, Option.none())
      assert.lengthOf(yield* progress, 0)
    })
  )
})
