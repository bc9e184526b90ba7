/** Two processes together create no more than a maximum allows. */
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { CreationTurns as Turns } from "../../../../src/sites/access/CreationTurns.ts"
import * as CreationTurns from "../../../../src/sites/access/postgres/CreationTurns.ts"
import * as Shares from "../../../../src/sites/access/postgres/Shares.ts"
import { Shares as SharesService } from "../../../../src/sites/access/Shares.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory as Sites } from "../../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

const timeout = "30 seconds"
const max = 10

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

/** The services of another process. */
const newProcess = Effect.map(
  Layer.build(Layer.fresh(Layer.merge(CreationTurns.layer({ timeout }), Shares.layer))),
  (services) => ({ turns: Context.get(services, Turns), shares: Context.get(services, SharesService) })
)

layer(live, { excludeTestServices: true })("sites/access/postgres/CreationTurns", (it) => {
  it.effect("creations of two processes see each other, and a failed creation leaves nothing", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { websiteConfigId } = yield* Sites.use((sites) => sites.create({ name: "A", origins: [] }))
      const [first, second] = [yield* newProcess, yield* newProcess]
      const create = ({ shares, turns }: typeof first) =>
        Effect.gen(function* () {
          if ((yield* shares.list(websiteConfigId)).length >= max) return yield* Effect.fail("full")
          yield* shares.create(websiteConfigId, { label: null, expiresAt: null })
        }).pipe(turns.inTurn([websiteConfigId]))
      const outcomes = yield* Effect.forEach(
        Array.from({ length: max + 6 }),
        (_, index) => Effect.result(create(index % 2 === 0 ? first : second)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(outcomes.filter(({ _tag }) => _tag === "Success").length, max)
      yield* sql`DELETE FROM share`
      const { shares, turns } = first
      yield* shares
        .create(websiteConfigId, { label: null, expiresAt: null })
        .pipe(Effect.andThen(Effect.fail("no")), turns.inTurn([websiteConfigId]), Effect.flip)
      assert.lengthOf(yield* shares.list(websiteConfigId), 0)
    }).pipe(Effect.scoped)
  )
})
