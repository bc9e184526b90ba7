/**
 * The tests of `Deliveries` about the events from which deliveries are created.
 *
 * @module
 */
import { assert, type Vitest } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { deliveriesOf, fanOutAll, leaseOf, newSite, newWebhook, type Storage, settle } from "../support/Delivery.ts"
import { only } from "../support/Only.ts"
import { showDelivery, submit, url, withDeliveries } from "../support/StoredDeliveries.ts"
import { release, remove } from "../support/TestSubmissions.ts"

const hour = 3_600_000

export const suite = (it: Vitest.MethodsNonLive<Storage>) => {
  it.effect(
    "each webhook of the website that subscribes to the event's type gets one delivery, and other webhooks get none",
    () =>
      Effect.gen(function* () {
        const [site, other] = [yield* newSite, yield* newSite]
        const all = yield* newWebhook(site, url)
        const accepted = yield* newWebhook(site, url, ["submission.accepted"])
        const deleted = yield* newWebhook(site, url, ["submission.deleted"])
        const ofOther = yield* newWebhook(other, url)
        const id = yield* submit(site)
        yield* SiteDirectory.use(({ update }) => update(site, { name: "Renamed" }))
        yield* fanOutAll
        const deliveries = [yield* deliveriesOf(all.webhook), yield* deliveriesOf(accepted.webhook)].map(only)
        assert.deepStrictEqual(new Set(deliveries.map(({ event_id: eventId }) => eventId)).size, 1)
        for (const { attempts, event_id: eventId, status, type, webhook_id: webhookId } of deliveries) {
          assert.deepStrictEqual([type, status, attempts], ["submission.accepted", "pending", 0])
          const { payload } = yield* showDelivery(webhookId, eventId)
          const { data, website } = JSON.parse(payload ?? "")
          assert.strictEqual(data.submission_id, id)
          assert.deepStrictEqual(website, { website_config_id: site, name: "Renamed" })
        }
        for (const { webhook } of [deleted, ofOther]) assert.lengthOf(yield* deliveriesOf(webhook), 0)
      })
  )

  it.effect(
    "a submission to a website without a webhook creates no delivery, not even for a webhook that is added later",
    () =>
      Effect.gen(function* () {
        const site = yield* newSite
        yield* submit(site)
        const { webhook } = yield* newWebhook(site, url)
        yield* fanOutAll
        assert.lengthOf(yield* deliveriesOf(webhook), 0)
      })
  )

  it.effect("a submission that is sent twice with one idempotency key creates one event", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const { webhook } = yield* newWebhook(site, url)
      const idempotency = { key: "key", fingerprint: "print" }
      assert.strictEqual(yield* submit(site, { idempotency }), yield* submit(site, { idempotency }))
      yield* fanOutAll
      assert.lengthOf(yield* deliveriesOf(webhook), 1)
    })
  )

  it.effect(
    "a quarantine, a release and a deletion create events; the release of an accepted submission does not",
    () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const { webhook } = yield* newWebhook(site, url)
        const id = yield* submit(site, { status: "quarantined", reasons: ["links"] })
        yield* fanOutAll
        assert.isTrue(yield* release(site, id))
        assert.isTrue(yield* release(site, id))
        yield* fanOutAll
        assert.isTrue(yield* remove(site, id))
        assert.isTrue(yield* remove(site, id))
        yield* fanOutAll
        const deliveries = yield* deliveriesOf(webhook)
        assert.sameMembers(
          deliveries.map(({ type }) => type),
          ["submission.quarantined", "submission.released", "submission.deleted"]
        )
      })
  )

  it.effect(
    "deleting a submission removes its data and the webhook's answers from its deliveries, and cancels the pending ones",
    () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { site, webhook } = yield* withDeliveries(0)
        const id = yield* submit(site)
        yield* fanOutAll
        const leased = only(yield* leaseOf(webhook))
        yield* settle(leased, {
          status: 500,
          next: { status: "pending", nextAttemptAt: (yield* Clock.currentTimeMillis) + hour }
        })
        const unsent = yield* submit(site)
        assert.isTrue(yield* remove(site, id))
        assert.isTrue(yield* remove(site, unsent))
        yield* fanOutAll
        const all = yield* deliveriesOf(webhook)
        assert.deepStrictEqual(all.map(({ type }) => type).sort(), [
          "submission.accepted",
          "submission.deleted",
          "submission.deleted"
        ])
        assert.sameMembers(
          all.map(({ submission_id }) => submission_id),
          [id, id, unsent]
        )
        const {
          history,
          next_attempt_at: nextAttemptAt,
          payload,
          status
        } = yield* showDelivery(webhook.webhookId, leased.eventId)
        assert.deepStrictEqual([status, nextAttemptAt, payload], ["cancelled", null, null])
        assert.deepStrictEqual(
          history.map(({ answer, status }) => [status, answer]),
          [[500, null]]
        )
        assert.isFalse(yield* deliveries.retry(webhook.webhookId, leased.eventId))
      })
  )
}
