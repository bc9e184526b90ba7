/** Without `SECRETS_KEY`, deliveries wait, and the service logs why. */
import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Option, Redacted } from "effect"
import { Deliveries } from "../../../src/delivery/Delivery.ts"
import * as PostgresDeliveries from "../../../src/delivery/postgres/Deliveries.ts"
import * as PostgresWebhooks from "../../../src/delivery/postgres/Webhooks.ts"
import { Webhooks } from "../../../src/delivery/Webhook.ts"
import * as PostgresSubmissionRepo from "../../../src/forms/postgres/SubmissionRepo.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import * as SiteDirectories from "../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { deliveriesOf, freeSlots } from "../../support/Delivery.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import * as SubmissionDraft from "../../support/SubmissionDraft.ts"

const timeout = "20 seconds"

const layers = Layer.mergeAll(
  PostgresWebhooks.layer({ secretsKey: Option.some(Redacted.make<Uint8Array>(randomBytes(32))) }),
  PostgresDeliveries.layer({ timeout, secretsKey: Option.none() }),
  SiteDirectories.layer(),
  PostgresSubmissionRepo.layer({ timeout, maxQueue: 100 })
).pipe(Layer.provideMerge(TestClient.layer))

describe("delivery/postgres: without a key", () => {
  it.live("a pending delivery is logged once and stays pending", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logs = Logger.layer([Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))])
      yield* Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { websiteConfigId } = yield* SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] }))
        const created = yield* Webhooks.use((webhooks) =>
          webhooks.create(websiteConfigId, { url: "https://hooks.example/", events: [], format: "standard" })
        )
        const { webhook_id: webhookId } = Option.getOrThrow(created)
        const lease = Effect.map(deliveries.lease(freeSlots, new Map()), ({ leased }) => leased)
        assert.deepStrictEqual(yield* lease, [])
        assert.deepStrictEqual(lines, [])
        yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(websiteConfigId)))
        assert.deepInclude(yield* deliveries.fanOut(freeSlots, new Map()), { events: 1, leased: [] })
        assert.deepStrictEqual(yield* Effect.all([lease, lease]), [[], []])
        assert.lengthOf(lines, 1)
        assert.include(lines[0], "SECRETS_KEY is not set")
        assert.deepStrictEqual(
          (yield* deliveriesOf({ webhookId })).map(({ status }) => status),
          ["pending"]
        )
      }).pipe(Effect.provide(logs))
    }).pipe(Effect.scoped, Effect.provide(layers))
  )
})
