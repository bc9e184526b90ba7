import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as ConversionOutbox from "../../../src/analytics/postgres/ConversionOutbox.ts"
import { mapErrors } from "../../../src/platform/postgres/Database.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory as Sites } from "../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

withLayer(live, { excludeTestServices: true })("analytics/postgres/ConversionOutbox", (it) => {
  it.effect("if the connection is lost while a batch is sent, sends it again under the same id", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* Sites.use((sites) => sites.create({ name: "A", origins: [], timeZone: "UTC" }))
      yield* sql`INSERT INTO conversion_outbox (hosted_website_id, visit_started_at, session_key, name)
        VALUES (${PgTypes.uuid(site.hostedWebsiteId)}, now(), 'a', 'Form')`
      // In the transaction of the batch.
      const loseConnection = Effect.ignore(sql`SELECT pg_terminate_backend(pg_backend_pid())`)
      const sent: Array<readonly [string, number]> = []
      const store = {
        isMigrated: Effect.succeed(true),
        visitorRows: () => Effect.die("not used"),
        addConversions: (id: string, { length }: ReadonlyArray<unknown>) =>
          Effect.suspend(() => (sent.push([id, length]) === 1 ? loseConnection : Effect.void)),
        erase: () => Effect.die("not used"),
        websitesWithVisits: Effect.die("not used"),
        eraseVisits: () => Effect.die("not used"),
        dropMonthsBefore: () => Effect.die("not used")
      }
      yield* ConversionOutbox.move(sql, store).pipe(mapErrors)
      const [[id] = [""]] = sent
      assert.deepStrictEqual(sent, [
        [id, 1],
        [id, 1]
      ])
      assert.lengthOf(yield* sql`SELECT 1 FROM conversion_outbox`, 0)
    })
  )
})
