import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { TrackingToken, WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import { layer } from "../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { suite } from "../../suites/SiteDirectory.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

suite("sites/postgres/SiteDirectory", Layer.provide(layer(), TestClient.layer))

/** Creates a website by SQL, as if by another process. */
const createElsewhere = (id: string) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) => sql`
      INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
      VALUES (${PgTypes.uuid(id)}, ${PgTypes.uuid(id)}, ${PgTypes.uuid(id)}, 'another')`
  )

describe("sites/postgres/SiteDirectory: cache", () => {
  it.effect("a new website is found within a second, even if its id was looked up before", () =>
    Effect.gen(function* () {
      const sites = yield* SiteDirectory
      const id = randomUUID()
      assert.isTrue(Option.isNone(yield* sites.byTrackingToken(TrackingToken.make(id))))
      assert.isTrue(Option.isNone(yield* sites.byWebsiteConfigId(WebsiteConfigId.make(id))))
      yield* createElsewhere(id)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isSome(yield* sites.byTrackingToken(TrackingToken.make(id))))
      assert.isTrue(Option.isSome(yield* sites.byWebsiteConfigId(WebsiteConfigId.make(id))))
    }).pipe(Effect.provide(Layer.provideMerge(layer(), TestClient.layer)))
  )

  it.live("lookups fail with a timeout while the database hangs, and cached websites are found", () =>
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const blocker = yield* TestDatabase.clientOf(connection)
      yield* Effect.gen(function* () {
        const sites = yield* SiteDirectory
        const site = yield* sites.create({ name: "a", origins: [] })
        yield* sites.byTrackingToken(site.trackingToken)
        yield* blocker.withTransaction(
          Effect.gen(function* () {
            yield* blocker`LOCK TABLE site IN ACCESS EXCLUSIVE MODE`
            assert.strictEqual(
              (yield* Effect.flip(sites.byTrackingToken(TrackingToken.make(randomUUID())))).reason,
              "timeout"
            )
            assert.strictEqual((yield* Effect.flip(sites.list)).reason, "timeout")
            assert.deepStrictEqual(yield* sites.byTrackingToken(site.trackingToken), Option.some(site))
          })
        )
        assert.deepStrictEqual(yield* sites.list, [site])
      }).pipe(
        Effect.provide(
          Layer.provide(layer(), Database.layer({ url: connection.url, connections: 2, timeout: "4 seconds" }))
        )
      )
    })
  )
})
