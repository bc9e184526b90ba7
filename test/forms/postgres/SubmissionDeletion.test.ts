import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer } from "effect"
import { Deliveries } from "../../../src/delivery/Delivery.ts"
import * as MailItems from "../../../src/delivery/mail/postgres/MailItems.ts"
import { Webhooks } from "../../../src/delivery/Webhook.ts"
import { Inbox } from "../../../src/forms/Inbox.ts"
import * as SubmissionRows from "../../../src/forms/postgres/SubmissionRows.ts"
import { tableColumns } from "../../../src/forms/postgres/SubmissionRows.ts"
import { restorableMillis } from "../../../src/forms/Submission.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import type { SubmissionId } from "../../../src/platform/Id.ts"
import * as KeptRows from "../../../src/privacy/postgres/KeptRows.ts"
import { SiteErasure } from "../../../src/sites/SiteErasure.ts"
import * as Delivery from "../../support/Delivery.ts"
import * as Mails from "../../support/Mails.ts"
import * as Locks from "../../support/postgres/Locks.ts"
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
      assert.deepStrictEqual(
        (yield* Delivery.deliveriesOf(webhook)).map(({ type }) => type),
        ["submission.deleted"]
      )
      yield* SubmissionRows.restore(sql, websiteConfigId, [id])
      yield* Delivery.fanOutAll
      const deliveries = yield* Delivery.deliveriesOf(webhook)
      assert.sameMembers(
        deliveries.map(({ type }) => type),
        ["submission.accepted", "submission.deleted", "submission.restored"]
      )
      const restored = deliveries.find(({ type }) => type === "submission.restored")!
      const { payload } = yield* showDelivery(webhook.webhookId, restored.event_id)
      assert.include(payload ?? "", "Hello")
    })
  )

  /** A website with webhooks, a submission whose deliveries exist, and functions that change it as the console does. */
  const setup = Effect.fnUntraced(function* (...webhooks: ReadonlyArray<ReadonlyArray<string>>) {
    const [inbox, repo] = [yield* Inbox, yield* SubmissionRepo]
    const websiteConfigId = yield* Delivery.newSite
    const made = yield* Effect.forEach(webhooks, (events) =>
      Effect.map(Delivery.newWebhook(websiteConfigId, "https://hooks.example/", events), ({ webhook }) => webhook)
    )
    const id = yield* repo.submit(draft({ websiteConfigId, formData: '{"message":"Hello"}' }))
    yield* Delivery.fanOutAll
    const change = (name: "delete" | "restore" | "purge" | "markSpam" | "release") =>
      Effect.andThen(inbox[name](websiteConfigId, [id]), Delivery.fanOutAll)
    const statesOf = (webhook: (typeof made)[number]) =>
      Effect.map(Delivery.deliveriesOf(webhook), (all) => all.map(({ status, type }) => `${type} ${status}`).sort())
    return { websiteConfigId, id, change, statesOf, webhooks: made }
  })

  const leads = ["submission.accepted", "submission.released"] as const

  const delivered = { status: 200, next: { status: "delivered" } } as const

  it.effect(
    "a restored submission is delivered as if it had not been deleted, and only where it was not delivered",
    () =>
      Effect.gen(function* () {
        const { change, statesOf, webhooks } = yield* setup(leads, leads, [])
        const [waiting, done, all] = [webhooks[0]!, webhooks[1]!, webhooks[2]!]
        for (const leased of yield* Delivery.leaseOf(done)) yield* Delivery.settle(leased, delivered)
        yield* change("delete")
        assert.deepStrictEqual(yield* statesOf(waiting), ["submission.accepted cancelled"])
        yield* change("restore")
        assert.deepStrictEqual(yield* statesOf(waiting), ["submission.accepted pending"])
        assert.deepStrictEqual(yield* statesOf(done), ["submission.accepted delivered"])
        assert.deepStrictEqual(yield* statesOf(all), [
          "submission.accepted pending",
          "submission.deleted cancelled",
          "submission.restored pending"
        ])
        // Its lease of above would end later.
        yield* Delivery.MakeDue.use((makeDue) => makeDue(waiting.webhookId))
        const leased = yield* Delivery.leaseOf(waiting)
        assert.deepStrictEqual(
          leased.map(({ payload }) => [JSON.parse(payload).type, JSON.parse(payload).data.form_data]),
          [["submission.accepted", { message: "Hello" }]]
        )
        yield* Effect.forEach(leased, (one) => Delivery.settle(one, delivered))
        yield* change("delete")
        yield* change("restore")
        assert.deepStrictEqual(yield* statesOf(waiting), ["submission.accepted delivered"])
      })
  )

  it.effect("a restoration cancels the deliveries of the deletion that wait, and no others", () =>
    Effect.gen(function* () {
      const types = ["submission.deleted"]
      const { change, statesOf, webhooks } = yield* setup(types, types, types)
      const [waiting, done, underWay] = [webhooks[0]!, webhooks[1]!, webhooks[2]!]
      yield* change("delete")
      const lease = (webhook: typeof waiting) =>
        Effect.andThen(
          Delivery.MakeDue.use((makeDue) => makeDue(webhook.webhookId)),
          Delivery.leaseOf(webhook)
        )
      const [failed] = yield* lease(waiting)
      const nextAttemptAt = (yield* Clock.currentTimeMillis) + 60_000
      yield* Delivery.settle(failed!, { status: 500, next: { status: "pending", nextAttemptAt } })
      for (const leased of yield* lease(done)) yield* Delivery.settle(leased, delivered)
      const [leased] = yield* lease(underWay)
      yield* change("restore")
      assert.deepStrictEqual(yield* lease(waiting), [])
      assert.deepStrictEqual(yield* statesOf(waiting), ["submission.deleted cancelled"])
      const { countReplay, replay } = yield* Deliveries
      const { webhookId } = waiting
      assert.deepStrictEqual(
        [yield* countReplay({ webhookId, since: 0 }), yield* replay({ webhookId, since: 0 })],
        [0, 0]
      )
      yield* Delivery.settle(leased!, delivered)
      assert.deepStrictEqual(yield* statesOf(underWay), ["submission.deleted delivered"])
      // A later deletion is delivered, and an earlier one is not.
      yield* change("delete")
      assert.deepStrictEqual(yield* statesOf(waiting), ["submission.deleted cancelled", "submission.deleted pending"])
      assert.deepStrictEqual(yield* statesOf(done), ["submission.deleted delivered", "submission.deleted pending"])
    })
  )

  it.effect("what happened to a submission before it was deleted is fanned out after it is restored", () =>
    Effect.gen(function* () {
      const [inbox, repo] = [yield* Inbox, yield* SubmissionRepo]
      const site = yield* Delivery.newSite
      yield* Mails.add(site)
      const { webhook } = yield* Delivery.newWebhook(site, "https://hooks.example/")
      const submit = (status: "accepted" | "quarantined") =>
        repo.submit(draft({ websiteConfigId: site, formData: "{}", status }))
      const typesOf = (id: SubmissionId) =>
        Effect.map(Delivery.deliveriesOf(webhook), (all) =>
          all
            .filter(({ submission_id }) => submission_id === id)
            .map(({ type }) => type)
            .sort()
        )
      const [released, accepted, purged] = [
        yield* submit("quarantined"),
        yield* submit("accepted"),
        yield* submit("accepted")
      ]
      yield* inbox.release(site, [released])
      yield* inbox.delete(site, [released, accepted, purged])
      yield* Delivery.fanOutAll
      assert.deepStrictEqual(yield* typesOf(released), ["submission.deleted"])
      yield* inbox.purge(site, [purged])
      yield* inbox.restore(site, [released, accepted])
      yield* Delivery.fanOutAll
      const expected = ["submission.deleted", "submission.restored"]
      assert.deepStrictEqual(yield* typesOf(released), [
        "submission.deleted",
        "submission.quarantined",
        "submission.released",
        "submission.restored"
      ])
      assert.deepStrictEqual(yield* typesOf(accepted), ["submission.accepted", ...expected])
      assert.deepStrictEqual(yield* typesOf(purged), ["submission.deleted"])
      assert.sameMembers(yield* Mails.sendOfSite(site), [released, accepted])

      // Without a fan-out in between, nobody knows of the deletion.
      const quick = yield* submit("accepted")
      yield* inbox.delete(site, [quick])
      yield* inbox.restore(site, [quick])
      yield* Delivery.fanOutAll
      assert.deepStrictEqual(yield* typesOf(quick), ["submission.accepted", "submission.restored"])
      const sql = yield* PgClient.PgClient
      assert.deepStrictEqual(yield* sql`SELECT FROM outbox WHERE website_config_id = ${site}`, [])
    })
  )

  it.effect("an attempt that runs while its submission is deleted is not repeated when it is restored", () =>
    Effect.gen(function* () {
      const { change, statesOf, webhooks } = yield* setup(leads)
      const webhook = webhooks[0]!
      // It ends before the submission is restored.
      const [first] = yield* Delivery.leaseOf(webhook)
      yield* change("delete")
      yield* Delivery.settle(first!, delivered)
      yield* change("restore")
      assert.deepStrictEqual(yield* statesOf(webhook), ["submission.accepted delivered"])

      // It ends after that.
      const other = yield* setup(leads)
      const [second] = yield* Delivery.leaseOf(other.webhooks[0]!)
      yield* other.change("delete")
      yield* other.change("restore")
      assert.deepStrictEqual(yield* Delivery.leaseOf(other.webhooks[0]!), [])
      yield* Delivery.settle(second!, delivered)
      assert.deepStrictEqual(yield* other.statesOf(other.webhooks[0]!), ["submission.accepted delivered"])
    })
  )

  it.effect("the outcome of an attempt that waits for the deletion of its submission is recorded", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { change, id, statesOf, webhooks, websiteConfigId } = yield* setup(leads)
      const [leased] = yield* Delivery.leaseOf(webhooks[0]!)
      const deletion = yield* Locks.openTransaction(sql, SubmissionRows.run(sql, websiteConfigId, [id]))
      const settling = yield* Effect.forkChild(Delivery.settle(leased!, delivered))
      yield* Locks.untilAwaited(sql)
      yield* deletion.commit
      yield* Fiber.join(settling)
      yield* change("restore")
      assert.deepStrictEqual(yield* statesOf(webhooks[0]!), ["submission.accepted delivered"])
    }).pipe(Effect.scoped)
  )

  it.effect("a delivery that has failed can be retried when its submission is restored", () =>
    Effect.gen(function* () {
      const { change, statesOf, webhooks } = yield* setup(leads)
      const webhook = webhooks[0]!
      const [leased] = yield* Delivery.leaseOf(webhook)
      yield* Delivery.settle(leased!, { status: 500, next: { status: "failed" } })
      yield* change("delete")
      yield* change("restore")
      assert.deepStrictEqual(yield* statesOf(webhook), ["submission.accepted failed"])
      assert.isTrue(yield* Deliveries.use((deliveries) => deliveries.retry(webhook.webhookId, leased!.eventId)))
    })
  )

  it.effect("what was marked as spam before it was deleted is delivered when it is released, once", () =>
    Effect.gen(function* () {
      const { change, statesOf, webhooks } = yield* setup(leads)
      yield* change("markSpam")
      yield* change("delete")
      yield* change("restore")
      assert.deepStrictEqual(yield* statesOf(webhooks[0]!), ["submission.accepted cancelled"])
      yield* change("release")
      assert.deepStrictEqual(yield* statesOf(webhooks[0]!), ["submission.accepted pending"])
    })
  )

  it.effect(
    "nothing is delivered of a submission that is deleted for good, or to a webhook that is deleted or disabled",
    () =>
      Effect.gen(function* () {
        const [purged, kept] = [yield* setup(leads), yield* setup(leads, leads)]
        yield* purged.change("delete")
        yield* purged.change("purge")
        yield* purged.change("restore")
        assert.deepStrictEqual(yield* purged.statesOf(purged.webhooks[0]!), ["submission.accepted cancelled"])
        const [deleted, disabled] = [kept.webhooks[0]!, kept.webhooks[1]!]
        yield* kept.change("delete")
        const enable = (enabled: boolean) =>
          Webhooks.use((webhooks) => webhooks.update(kept.websiteConfigId, disabled.webhookId, { enabled }))
        yield* Webhooks.use((webhooks) => webhooks.delete(kept.websiteConfigId, deleted.webhookId))
        yield* enable(false)
        yield* kept.change("restore")
        assert.deepStrictEqual(yield* kept.statesOf(deleted), [])
        assert.deepStrictEqual(yield* Delivery.leaseOf(disabled), [])
        // It waits, as what was pending when the webhook was disabled.
        yield* enable(true)
        assert.lengthOf(yield* Delivery.leaseOf(disabled), 1)
      })
  )

  it.effect("a restored submission is mailed to those who did not get it before its deletion", () =>
    Effect.gen(function* () {
      const inbox = yield* Inbox
      const site = yield* Delivery.newSite
      yield* Mails.add(site)
      const mailed = Mails.sendOfSite(site)
      const deletedAndRestored = Effect.fnUntraced(function* (id: SubmissionId) {
        yield* inbox.delete(site, [id])
        const meanwhile = yield* mailed
        yield* inbox.restore(site, [id])
        return [meanwhile, yield* mailed]
      })
      const sent = yield* Mails.submit(site)
      assert.deepStrictEqual(yield* mailed, [sent])
      assert.deepStrictEqual(yield* deletedAndRestored(sent), [[], []])

      const [other, unsent] = [yield* Mails.submit(site), yield* Mails.submit(site)]
      yield* Mails.makeAll()
      assert.deepStrictEqual(yield* deletedAndRestored(unsent), [[other], [unsent]])
      assert.deepStrictEqual(yield* deletedAndRestored(unsent), [[], []])

      // Before a mail has it.
      const waiting = yield* Mails.submit(site)
      yield* Delivery.fanOutAll
      assert.deepStrictEqual(yield* deletedAndRestored(waiting), [[], [waiting]])
    })
  )

  it.effect("a submission is mailed that is restored while its mail leaves it out", () =>
    Effect.gen(function* () {
      const [inbox, sql] = [yield* Inbox, yield* PgClient.PgClient]
      const site = yield* Delivery.newSite
      yield* Mails.add(site)
      const id = yield* Mails.submit(site)
      yield* Mails.makeAll()
      const [item] = yield* sql<{ mail_id: string }>`SELECT mail_id FROM mail_item WHERE submission_id = ${id}`
      yield* inbox.delete(site, [id])
      const leaving = yield* Locks.openTransaction(sql, MailItems.leave(sql, [item!.mail_id]))
      yield* inbox.restore(site, [id])
      const making = yield* Effect.forkChild(Mails.makeAll())
      yield* Effect.raceFirst(Locks.untilAwaited(sql), Fiber.await(making))
      yield* leaving.commit
      yield* Fiber.join(making)
      assert.deepStrictEqual(yield* Mails.sendOfSite(site), [id])
    }).pipe(Effect.scoped)
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
