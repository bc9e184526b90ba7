import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import * as KeptRows from "../../../../src/privacy/postgres/KeptRows.ts"
import * as SiteErasure from "../../../../src/privacy/postgres/SiteErasure.ts"
import * as PostgresShares from "../../../../src/sites/access/postgres/Shares.ts"
import { Shares } from "../../../../src/sites/access/Share.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory as Sites } from "../../../../src/sites/SiteDirectory.ts"
import { SiteErasure as Erasure } from "../../../../src/sites/SiteErasure.ts"
import { suite } from "../../../suites/Shares.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

const layers = Layer.mergeAll(PostgresShares.layer, SiteDirectory.layer(), SiteErasure.layer).pipe(
  Layer.provideMerge(TestClient.layer)
)

suite("sites/access/postgres/Shares", layers)

const newShare = Effect.fnUntraced(function* (expiresAt: number | null = null) {
  const { websiteConfigId } = yield* Sites.use((sites) => sites.create({ name: "a", origins: [] }))
  return yield* Effect.fromOption(
    yield* Shares.use((shares) => shares.create(websiteConfigId, { label: null, expiresAt }))
  )
})

const rows = PgClient.PgClient.use((sql) => sql`SELECT row_to_json(share)::text AS row FROM share`)

describe("sites/access/postgres/Shares: the rows", () => {
  it.effect("a share that one process revokes is invalid within a second in another", () =>
    Effect.gen(function* () {
      const here = yield* Shares
      const there = Context.get(yield* Layer.build(Layer.fresh(PostgresShares.layer)), Shares)
      const { secret, share } = yield* newShare()
      assert.isTrue(Option.isSome(yield* there.authenticate(secret)))
      yield* here.revoke(share.site_id, share.share_id)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* there.authenticate(secret)))
    }).pipe(Effect.provide(layers))
  )

  it.effect("the database stores only digests of the secrets", () =>
    Effect.gen(function* () {
      const { secret } = yield* newShare()
      const stored = JSON.stringify(yield* rows)
      const text = secret.slice("hsh_".length)
      for (const encoding of [secret, text, Buffer.from(text, "base64url").toString("hex")]) {
        assert.notInclude(stored, encoding)
      }
    }).pipe(Effect.provide(layers))
  )

  it.effect("expired shares are deleted, and so are those of an erased website", () =>
    Effect.gen(function* () {
      yield* newShare((yield* Clock.currentTimeMillis) + 60_000)
      const { share } = yield* newShare()
      const deleteExpired = Effect.flatMap(Clock.currentTimeMillis, (now) => KeptRows.expire("share", now))
      yield* deleteExpired
      assert.lengthOf(yield* rows, 2)
      yield* TestClock.adjust("1 minute")
      yield* deleteExpired
      assert.lengthOf(yield* rows, 1)
      yield* Erasure.use((erasure) => erasure.erase(share.site_id))
      assert.lengthOf(yield* rows, 0)
    }).pipe(Effect.provide(layers))
  )
})
