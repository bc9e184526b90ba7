/** A delivery belongs to the process that leased it last. */
import { randomBytes } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import * as PostgresDeliveries from "../../../src/postgres/delivery/Deliveries.ts"
import * as PostgresWebhooks from "../../../src/postgres/delivery/Webhooks.ts"
import * as PostgresSubmissionRepo from "../../../src/postgres/forms/SubmissionRepo.ts"
import * as SiteDirectories from "../../../src/postgres/sites/SiteDirectory.ts"
import { Deliveries } from "../../../src/services/delivery/Deliveries.ts"
import { Webhooks } from "../../../src/services/delivery/Webhooks.ts"
import { SubmissionRepo } from "../../../src/services/forms/SubmissionRepo.ts"
import { SiteDirectory } from "../../../src/services/sites/SiteDirectory.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import * as SubmissionDraft from "../../support/SubmissionDraft.ts"

const timeout = "20 seconds"
const secretsKey = Option.some(Redacted.make<Uint8Array>(randomBytes(32)))

const layers = Layer.mergeAll(
  PostgresWebhooks.layer({ timeout, secretsKey }),
  PostgresDeliveries.layer({ timeout, secretsKey }),
  SiteDirectories.layer({ timeout }),
  PostgresSubmissionRepo.layer({ timeout, maxQueue: 100 })
).pipe(Layer.provideMerge(TestDatabase.layer))

describe("postgres/delivery: leases", () => {
  it.live("a settlement after another process has leased the delivery changes nothing", () =>
    Effect.gen(function* () {
      const deliveries = yield* Deliveries
      const sql = yield* PgClient.PgClient
      const { websiteConfigId } = yield* SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] }))
      const created = yield* Webhooks.use((webhooks) =>
        webhooks.create({ websiteConfigId, url: "https://hooks.example/", events: [], format: "standard" })
      )
      const { webhookId } = Option.getOrThrow(created).webhook
      yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(websiteConfigId)))
      yield* deliveries.fanOut
      const lease = Effect.map(deliveries.lease({ healthy: 1, failing: 1 }, new Map()), ([leased]) => leased)
      const first = yield* lease
      assert.isUndefined(yield* lease, "the delivery is leased")
      yield* sql`UPDATE delivery SET next_attempt_at = now()`
      const second = yield* lease
      if (first === undefined || second === undefined) return assert.fail("nothing was leased")
      const settle = (leased: typeof first, status: number) =>
        deliveries.settle(leased, {
          attempt: { attemptedAt: Date.now(), status, millis: 1, answer: "", error: null },
          next: { status: status === 200 ? "delivered" : "failed" },
          health: leased.webhook
        })
      const shown = Effect.map(deliveries.show(webhookId, first.eventId), (details) => {
        const { history, status } = Option.getOrThrow(details)
        return [status, history.map((attempt) => attempt.status)]
      })
      yield* settle(first, 500)
      assert.deepStrictEqual(yield* shown, ["pending", []])
      yield* settle(second, 200)
      assert.deepStrictEqual(yield* shown, ["delivered", [200]])
    }).pipe(Effect.provide(layers))
  )
})
