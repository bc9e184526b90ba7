import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import { layer } from "../../../src/chat/postgres/InstanceDirectory.ts"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import { suite } from "../../suites/InstanceDirectory.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const newSite = PgClient.PgClient.use((sql) => {
  const id = WebsiteConfigId.make(randomUUID())
  return Effect.as(
    sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
      VALUES (${id}, ${randomUUID()}, ${randomUUID()}, 'a')`,
    id
  )
})

const directory = Layer.provideMerge(layer(), TestClient.layer)

suite("chat/postgres/InstanceDirectory", directory, newSite)

shared(directory, { excludeTestServices: true })("chat/postgres/InstanceDirectory", (it) => {
  it.effect("no instance is created for a website whose deletion begins, and none moves to it", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const instances = yield* InstanceDirectory
      const site = yield* newSite
      const request = { name: "a", agent_url: "b" }
      const { instance_id } = yield* instances.create(request)
      const { commit } = yield* Locks.openTransaction(
        sql,
        sql`UPDATE site SET deleted_at = now() WHERE website_config_id = ${site}`
      )
      const writing = yield* Effect.forkChild(
        Effect.all(
          [
            Effect.flip(instances.create({ ...request, website_config_id: site })),
            Effect.flip(instances.update(instance_id, { website_config_id: site }))
          ],
          { concurrency: "unbounded" }
        )
      )
      yield* Locks.untilAwaited(sql)
      yield* commit
      assert.deepStrictEqual(
        (yield* Fiber.join(writing)).map(({ _tag }) => _tag),
        ["WebsiteUnknown", "WebsiteUnknown"]
      )
      assert.lengthOf(yield* instances.list(site), 0)
    })
  )
})
