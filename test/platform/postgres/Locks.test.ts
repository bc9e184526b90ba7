/** Creations whose row is locked: each sees what the others created. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Latch, Layer } from "effect"
import { rows } from "../../../src/platform/postgres/Locks.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory as Sites } from "../../../src/sites/SiteDirectory.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

const newSite = Effect.map(
  Sites.use((sites) => sites.create({ name: "A", origins: [] })),
  ({ websiteConfigId }) => websiteConfigId
)

layer(live, { excludeTestServices: true })("platform/postgres/Locks", (it) => {
  it.effect("creations of two processes see each other", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* newSite
      const id = PgTypes.uuid(site)
      const [first, second] = [yield* rows("site", "website_config_id"), yield* rows("site", "website_config_id")]
      const [begun, ending] = [yield* Latch.make(), yield* Latch.make()]
      const creation = yield* sql`UPDATE site SET name = 'B' WHERE website_config_id = ${id}`.pipe(
        Effect.andThen(begun.open),
        Effect.andThen(ending.await),
        first(site),
        Effect.forkChild
      )
      yield* begun.await
      const later = yield* Effect.forkChild(second(site)(sql`SELECT name FROM site WHERE website_config_id = ${id}`))
      yield* Effect.raceFirst(Locks.untilAwaited(sql), Fiber.await(later))
      yield* ending.open
      yield* Fiber.join(creation)
      assert.deepStrictEqual(yield* Fiber.join(later), [{ name: "B" }])
    })
  )

  it.effect("a failed creation leaves nothing, and creations that wait use one connection", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* newSite
      const id = PgTypes.uuid(site)
      const whileLocked = yield* rows("site", "website_config_id")
      const rename = (name: string) => sql`UPDATE site SET name = ${name} WHERE website_config_id = ${id}`
      const failed = yield* rename("B").pipe(Effect.andThen(Effect.fail("no" as const)), whileLocked(site), Effect.flip)
      assert.strictEqual(failed, "no")
      const lock = yield* Locks.openTransaction(
        sql,
        sql`SELECT FROM site WHERE website_config_id = ${id} FOR NO KEY UPDATE`
      )
      // More than the client has connections.
      const creations = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 20 }), () => whileLocked(site)(Effect.void), { concurrency: "unbounded" })
      )
      yield* Locks.untilAwaited(sql)
      assert.deepStrictEqual(yield* sql`SELECT name FROM site WHERE website_config_id = ${id}`, [{ name: "A" }])
      yield* lock.commit
      yield* Fiber.join(creations)
    })
  )
})
