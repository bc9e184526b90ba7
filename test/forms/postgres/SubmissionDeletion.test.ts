import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import * as SubmissionDeletion from "../../../src/forms/postgres/SubmissionDeletion.ts"
import { tableColumns } from "../../../src/forms/postgres/SubmissionRows.ts"
import { restorableMillis } from "../../../src/forms/Submission.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import * as KeptRows from "../../../src/privacy/postgres/KeptRows.ts"
import { SiteErasure } from "../../../src/sites/SiteErasure.ts"
import * as Delivery from "../../support/Delivery.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { showDelivery } from "../../support/StoredDeliveries.ts"
import { draft, remove } from "../../support/TestSubmissions.ts"

const live = Delivery.postgresOn().pipe(Layer.provideMerge(TestClient.layer))

layer(live, { excludeTestServices: true })("forms/postgres/SubmissionDeletion", (it) => {
  it.effect("deleted submissions have all columns of the others", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const columnsOf = (table: string) =>
        sql`SELECT column_name AS name FROM information_schema.columns WHERE table_name = ${table}`.pipe(
          Effect.map((rows) => rows.map(({ name }) => String(name)))
        )
      const columns = yield* columnsOf("submission")
      assert.sameMembers(yield* columnsOf("deleted_submission"), [...columns, "deleted_at"])
      assert.sameMembers(tableColumns.split(/,\s+/), columns)
    })
  )

  it.effect("subscribers get a restored submission again, and nothing of it while it is deleted", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const repo = yield* SubmissionRepo
      const websiteConfigId = yield* Delivery.newSite
      const { webhook } = yield* Delivery.newWebhook(websiteConfigId, "https://hooks.example/")
      const id = yield* repo.submit(draft({ websiteConfigId, formData: '{"message":"Hello"}' }))
      assert.isTrue(yield* remove(websiteConfigId, id))
      yield* Delivery.fanOutAll
      yield* SubmissionDeletion.restore(sql, websiteConfigId, [id])
      yield* Delivery.fanOutAll
      const deliveries = yield* Delivery.deliveriesOf(webhook)
      assert.sameMembers(
        deliveries.map(({ type }) => type),
        ["submission.deleted", "submission.restored"]
      )
      const restored = deliveries.find(({ type }) => type === "submission.restored")!
      const { payload } = yield* showDelivery(webhook.webhookId, restored.event_id)
      assert.include(payload ?? "", "Hello")
    })
  )

  it.effect("a deletion ends after thirty days, and one of the website ends it at once", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const repo = yield* SubmissionRepo
      const count = (websiteConfigId: string) =>
        sql`SELECT count(*)::int AS count FROM deleted_submission WHERE website_config_id = ${websiteConfigId}::uuid`.pipe(
          Effect.map(([row]) => row?.["count"])
        )
      const [websiteConfigId, other] = [yield* Delivery.newSite, yield* Delivery.newSite]
      for (const site of [websiteConfigId, other]) {
        assert.isTrue(yield* remove(site, yield* repo.submit(draft({ websiteConfigId: site }))))
      }
      const now = yield* Clock.currentTimeMillis
      yield* KeptRows.expire("deleted_submission", now + restorableMillis - 60_000)
      assert.strictEqual(yield* count(websiteConfigId), 1)
      yield* SiteErasure.use(({ erase }) => erase(other, { withInstances: true }))
      assert.strictEqual(yield* count(other), 0)
      yield* KeptRows.expire("deleted_submission", now + restorableMillis + 60_000)
      assert.strictEqual(yield* count(websiteConfigId), 0)
    })
  )
})
