import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import * as Database from "../../../../src/platform/postgres/Database.ts"
import * as KeptRows from "../../../../src/privacy/postgres/KeptRows.ts"
import * as SiteErasure from "../../../../src/privacy/postgres/SiteErasure.ts"
import { keptMillis } from "../../../../src/sites/access/Credential.ts"
import { OwnerKeys } from "../../../../src/sites/access/OwnerKey.ts"
import * as PostgresOwnerKeys from "../../../../src/sites/access/postgres/OwnerKeys.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory as SiteDirectoryService } from "../../../../src/sites/SiteDirectory.ts"
import { SiteErasure as SiteErasureService } from "../../../../src/sites/SiteErasure.ts"
import { suite } from "../../../suites/OwnerKeys.ts"
import { everyKey } from "../../../support/Lists.ts"
import * as Locks from "../../../support/postgres/Locks.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as TestDatabase from "../../../support/postgres/TestDatabase.ts"

const layers = Layer.mergeAll(PostgresOwnerKeys.layer, SiteDirectory.layer(), SiteErasure.layer).pipe(
  Layer.provideMerge(TestClient.layer)
)

suite("sites/access/postgres/OwnerKeys", layers)

const newKey = OwnerKeys.use((keys) => keys.issue({ scope: "stats", sites: "all", label: null, expiresAt: null })).pipe(
  Effect.flatMap(Effect.fromOption)
)

describe("sites/access/postgres/OwnerKeys: the rows", () => {
  it.effect("a key that one process revokes is invalid in another process within a second", () =>
    Effect.gen(function* () {
      const here = yield* OwnerKeys
      const there = Context.get(yield* Layer.build(Layer.fresh(PostgresOwnerKeys.layer)), OwnerKeys)
      const { key, key_id } = yield* newKey
      assert.isTrue(Option.isSome(yield* there.authenticate(key)))
      yield* here.revoke(key_id)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* there.authenticate(key)))
    }).pipe(Effect.provide(layers))
  )

  it.effect("the database stores only a digest of the key", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { key } = yield* newKey
      const rows = yield* sql`SELECT row_to_json(owner_key)::text AS row FROM owner_key`
      assert.strictEqual(rows.length, 1)
      const secret = Buffer.from(key.slice("hok_".length), "base64url").toString("hex")
      for (const encoding of [key, key.slice("hok_".length), secret]) {
        assert.notInclude(JSON.stringify(rows), encoding)
      }
    }).pipe(Effect.provide(layers))
  )

  it.effect("a key that was revoked or expired long ago is deleted with its label", () =>
    Effect.gen(function* () {
      const keys = yield* OwnerKeys
      const now = yield* Clock.currentTimeMillis
      const issue = (expiresAt: number | null) =>
        keys.issue({ scope: "stats", sites: "all", label: "Ada", expiresAt }).pipe(Effect.flatMap(Effect.fromOption))
      const [revoked, valid] = [yield* issue(null), yield* issue(null)]
      yield* issue(now + 1)
      yield* keys.revoke(revoked.key_id)
      const storedIds = Effect.map(keys.list(everyKey), (all) => all.map(({ key_id }) => key_id))
      yield* KeptRows.expire("owner_key", now + keptMillis - 1)
      assert.lengthOf(yield* storedIds, 3)
      yield* KeptRows.expire("owner_key", now + keptMillis + 1)
      assert.deepStrictEqual(yield* storedIds, [valid.key_id])
    }).pipe(Effect.provide(layers))
  )

  it.effect(
    "an expired key is kept while a key that it issued remains, so that revoking an earlier issuer reaches that key",
    () =>
      Effect.gen(function* () {
        const keys = yield* OwnerKeys
        const now = yield* Clock.currentTimeMillis
        const first = yield* newKey
        const issue = (issuedBy: string, expiresAt: number | null) =>
          keys
            .issue({ scope: "stats", sites: "all", label: null, expiresAt, issuedBy })
            .pipe(Effect.flatMap(Effect.fromOption))
        const second = yield* issue(first.key_id, now + 1)
        const third = yield* issue(second.key_id, null)
        const later = now + keptMillis + 1
        yield* KeptRows.expire("owner_key", later)
        yield* keys.revoke(first.key_id)
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* keys.authenticate(third.key)))
        // Each round deletes only the last key of the chain, because the others have issued a remaining key.
        for (const remaining of [2, 1, 0]) {
          yield* KeptRows.expire("owner_key", later + 1000)
          assert.lengthOf(yield* keys.list(everyKey), remaining)
        }
      }).pipe(Effect.provide(layers))
  )

  it.live("issuing a key for a website that is erased meanwhile does not fail", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { key_id: issuedBy } = yield* newKey
      const { websiteConfigId } = yield* SiteDirectoryService.use(({ create }) => create({ name: "a", origins: [] }))
      const issuer = yield* Locks.openTransaction(
        sql,
        sql`SELECT FROM owner_key WHERE key_id = ${PgTypes.uuid(issuedBy)} FOR UPDATE`
      )
      const issuing = yield* OwnerKeys.use((keys) =>
        keys.issue({ scope: "stats", sites: [websiteConfigId], label: null, expiresAt: null, issuedBy })
      ).pipe(Effect.forkChild)
      yield* Locks.untilAwaited(sql)
      const erasure = yield* Effect.forkChild(SiteErasureService.use(({ erase }) => erase(websiteConfigId)))
      // Either the erasure waits for the key, or it is done.
      yield* Effect.raceFirst(Locks.untilAwaited(sql, 2), Fiber.await(erasure))
      yield* issuer.commit
      yield* Fiber.join(issuing)
      assert.isTrue(Option.isSome(yield* Fiber.join(erasure)))
    }).pipe(Effect.provide(layers))
  )

  it.effect("neither a revoked nor an unknown issuer can issue keys", () =>
    Effect.gen(function* () {
      const keys = yield* OwnerKeys
      const { key_id } = yield* newKey
      yield* keys.revoke(key_id)
      for (const issuedBy of [key_id, randomUUID()]) {
        const request = { scope: "stats", sites: "all", label: null, expiresAt: null, issuedBy } as const
        assert.isTrue(Option.isNone(yield* keys.issue(request)))
      }
    }).pipe(Effect.provide(layers))
  )

  it.live(
    "a malformed key is rejected without the database; a valid one fails with a timeout while the table is locked",
    () =>
      Effect.gen(function* () {
        const connection = yield* TestDatabase.connection
        const blocker = yield* TestDatabase.clientOf(connection)
        yield* Effect.gen(function* () {
          const keys = yield* OwnerKeys
          const { key } = yield* newKey
          yield* blocker.withTransaction(
            Effect.gen(function* () {
              yield* blocker`LOCK TABLE owner_key IN ACCESS EXCLUSIVE MODE`
              assert.isTrue(Option.isNone(yield* keys.authenticate(`${key}x`)))
              assert.strictEqual((yield* Effect.flip(keys.authenticate(key))).reason, "timeout")
            })
          )
          assert.isTrue(Option.isSome(yield* keys.authenticate(key)))
        }).pipe(
          Effect.provide(
            PostgresOwnerKeys.layer.pipe(
              Layer.provide(Database.layer({ url: connection.url, connections: 2, timeout: "4 seconds" }))
            )
          )
        )
      })
  )
})
