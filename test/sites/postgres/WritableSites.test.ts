import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option } from "effect"
import * as SiteErasure from "../../../src/privacy/postgres/SiteErasure.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../src/sites/SiteDirectory.ts"
import * as Erasure from "../../../src/sites/SiteErasure.ts"
import { suite } from "../../suites/WritableSites.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const live = Layer.mergeAll(
  SiteDirectory.writableSites({ connections: 2 }),
  SiteDirectory.layer(),
  SiteErasure.layer
).pipe(Layer.provideMerge(TestClient.layer))

suite("sites/postgres/SiteDirectory", live)

it.live(
  "sites/postgres/SiteDirectory: a deletion that begins during a write deletes the written rows, and allows no new write",
  () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { during } = yield* Sites.WritableSites
      const site = yield* Sites.SiteDirectory.use(({ create }) => create({ name: "a", origins: [] }))
      const id = PgTypes.uuid(site.hostedWebsiteId)
      const untilMarked = sql`SELECT 1 FROM site WHERE hosted_website_id = ${id} AND deleted_at IS NOT NULL`.pipe(
        Effect.repeat({ until: (rows) => rows.length === 1 })
      )
      const erasure = yield* during(new Set([site.hostedWebsiteId]), (writable) =>
        Effect.gen(function* () {
          assert.strictEqual(writable.size, 1)
          const fiber = yield* Erasure.SiteErasure.use(({ erase }) => erase(site.websiteConfigId)).pipe(
            Effect.forkScoped
          )
          yield* untilMarked
          assert.strictEqual(yield* during(new Set([site.hostedWebsiteId]), ({ size }) => Effect.succeed(size)), 0)
          yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          VALUES (${id}, now(), '/', '\\x00'::bytea)`
          return fiber
        })
      )
      assert.strictEqual(Option.getOrThrow(yield* Fiber.join(erasure)).page_views, 1)
    }).pipe(Effect.provide(live))
)
