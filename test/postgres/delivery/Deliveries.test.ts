import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Deliveries } from "../../../src/services/delivery/Deliveries.ts"
import { SubmissionRepo } from "../../../src/services/forms/SubmissionRepo.ts"
import { suite } from "../../suites/Deliveries.ts"
import * as Delivery from "../../support/Delivery.ts"
import * as SubmissionDraft from "../../support/SubmissionDraft.ts"

suite("postgres/delivery/Deliveries", Delivery.postgres)

describe("postgres/delivery/Deliveries: websites whose deletion has begun", () => {
  const submit = (site: string) => SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site)))

  /** Begins the deletion of a website, as an erasure does. */
  const mark = (site: string) =>
    PgClient.PgClient.use((sql) => sql`UPDATE site SET deleted_at = now() WHERE website_config_id = ${site}`)

  it.live("their events make no deliveries, and those of others do", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* Delivery.newSite, yield* Delivery.newSite]
      const [gone, kept] = [
        (yield* Delivery.newWebhook(site, "https://a.example")).webhook,
        (yield* Delivery.newWebhook(other, "https://b.example")).webhook
      ]
      yield* submit(site)
      yield* submit(other)
      yield* mark(site)
      yield* Delivery.fanOutAll
      assert.lengthOf(yield* Delivery.deliveriesOf(gone), 0)
      assert.lengthOf(yield* Delivery.deliveriesOf(kept), 1)
    }).pipe(Effect.provide(Delivery.postgres))
  )

  it.live("their deliveries are not leased, and those of others are", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* Delivery.newSite, yield* Delivery.newSite]
      const [gone, kept] = [
        (yield* Delivery.newWebhook(site, "https://a.example")).webhook,
        (yield* Delivery.newWebhook(other, "https://b.example")).webhook
      ]
      yield* submit(site)
      yield* submit(other)
      yield* Delivery.fanOutAll
      yield* mark(site)
      const leased = yield* Deliveries.use((deliveries) => deliveries.lease(Delivery.room, new Map()))
      assert.deepStrictEqual(
        leased.map(({ webhook }) => webhook.webhookId),
        [kept.webhookId]
      )
      assert.deepStrictEqual(
        (yield* Delivery.deliveriesOf(gone)).map(({ attempts, status }) => [status, attempts]),
        [["pending", 0]]
      )
    }).pipe(Effect.provide(Delivery.postgres))
  )
})
