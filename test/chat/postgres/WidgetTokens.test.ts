import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { InstanceDirectory as Instances } from "../../../src/chat/InstanceDirectory.ts"
import * as InstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as PostgresWidgetTokens from "../../../src/chat/postgres/WidgetTokens.ts"
import { WidgetTokens } from "../../../src/chat/WidgetTokens.ts"
import type * as Id from "../../../src/platform/Id.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import * as KeptRows from "../../../src/privacy/postgres/KeptRows.ts"
import { keptMillis } from "../../../src/sites/access/Credential.ts"
import { suite } from "../../suites/WidgetTokens.ts"
import { everyToken } from "../../support/Lists.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

const layers = Layer.merge(PostgresWidgetTokens.layer(), InstanceDirectory.layer()).pipe(
  Layer.provideMerge(TestClient.layer)
)

suite("chat/postgres/WidgetTokens", layers)

const newInstance = Effect.gen(function* () {
  const instances = yield* Instances
  const { instance_id: instanceId } = yield* instances.create({
    name: "a",
    agent_url: "https://a.example",
    agent_model: null,
    agent_key_env: null,
    origins: []
  })
  return instanceId
})

const issue = Effect.fnUntraced(function* (instanceId: Id.InstanceId, expiresAt: number | null) {
  const tokens = yield* WidgetTokens
  const issued = yield* tokens.issue({ reach: "all", instanceId, label: "Ada", expiresAt })
  return { instanceId, ...(yield* Effect.fromOption(issued)) }
})

const newToken = Effect.flatMap(newInstance, (instanceId) => issue(instanceId, null))

describe("chat/postgres/WidgetTokens: caching and storage", () => {
  it.effect("a token that was revoked or expired long ago is deleted with its label", () =>
    Effect.gen(function* () {
      const tokens = yield* WidgetTokens
      const now = yield* Clock.currentTimeMillis
      const instanceId = yield* newInstance
      const [revoked, valid] = [yield* issue(instanceId, null), yield* issue(instanceId, null)]
      const expiredLater = yield* issue(instanceId, now + keptMillis)
      yield* issue(instanceId, now + 1)
      yield* tokens.revoke({ reach: "all", tokenId: revoked.token_id, instanceId: null })
      const storedIds = Effect.map(tokens.list(everyToken(instanceId)), (all) =>
        all.map(({ token_id: tokenId }) => tokenId)
      )
      yield* KeptRows.expire("widget_token", now + keptMillis - 1)
      assert.lengthOf(yield* storedIds, 4)
      yield* KeptRows.expire("widget_token", now + keptMillis + 1)
      assert.sameMembers(yield* storedIds, [valid.token_id, expiredLater.token_id])
    }).pipe(Effect.provide(layers))
  )

  it.effect("a token that one process revokes is invalid within a second in another", () =>
    Effect.gen(function* () {
      const here = yield* WidgetTokens
      const there = Context.get(yield* Layer.build(Layer.fresh(PostgresWidgetTokens.layer())), WidgetTokens)
      const { instanceId, token, token_id: tokenId } = yield* newToken
      assert.isTrue(Option.isSome(yield* there.authenticate(instanceId, token)))
      yield* here.revoke({ reach: "all", tokenId, instanceId })
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* there.authenticate(instanceId, token)))
    }).pipe(Effect.provide(layers))
  )

  it.effect("a token of an earlier version, whose text is not stored, still authenticates", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const tokens = yield* WidgetTokens
      const { instanceId, token } = yield* newToken
      yield* sql`UPDATE widget_token SET token = NULL`
      assert.isTrue(Option.isSome(yield* tokens.authenticate(instanceId, token)))
      assert.deepStrictEqual(
        (yield* tokens.list(everyToken(instanceId))).map(({ token }) => token),
        [null]
      )
    }).pipe(Effect.provide(layers))
  )

  it.live(
    "a malformed token is rejected without the database; a valid one fails with a timeout while the database hangs",
    () =>
      Effect.gen(function* () {
        const connection = yield* TestDatabase.connection
        const blocker = yield* TestDatabase.clientOf(connection)
        yield* Effect.gen(function* () {
          const tokens = yield* WidgetTokens
          const { instanceId, token } = yield* newToken
          yield* blocker.withTransaction(
            Effect.gen(function* () {
              yield* blocker`LOCK TABLE widget_token IN ACCESS EXCLUSIVE MODE`
              assert.isTrue(Option.isNone(yield* tokens.authenticate(instanceId, `${token}x`)))
              assert.strictEqual((yield* Effect.flip(tokens.authenticate(instanceId, token))).reason, "timeout")
            })
          )
          assert.isTrue(Option.isSome(yield* tokens.authenticate(instanceId, token)))
        }).pipe(
          Effect.provide(
            Layer.merge(PostgresWidgetTokens.layer(), InstanceDirectory.layer()).pipe(
              Layer.provide(Database.layer({ url: connection.url, connections: 2, timeout: "4 seconds" }))
            )
          )
        )
      })
  )
})
