/**
 * The tests that every layer of `Deliveries` must pass: creation, leases, retries and lists of deliveries, and the health of webhooks.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option, Stream } from "effect"
import { Deliveries, type DeliveryStatus } from "../../src/delivery/Delivery.ts"
import { EventId, WebhookId } from "../../src/platform/Id.ts"
import type { Position } from "../../src/platform/text/Cursor.ts"
import { deliveriesOf, leaseOf, type Storage, settle } from "../support/Delivery.ts"
import { only } from "../support/Only.ts"
import { withDeliveries } from "../support/StoredDeliveries.ts"
import * as Creation from "./DeliveryCreation.ts"
import * as Health from "./DeliveryHealth.ts"
import * as Leases from "./DeliveryLeases.ts"
import * as Replays from "./DeliveryReplays.ts"

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    Creation.suite(it)
    Leases.suite(it)
    Health.suite(it)
    Replays.suite(it)

    it.effect("a retry restarts the schedule, and the result of an earlier attempt is ignored", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { webhook } = yield* withDeliveries(1)
        const earlier = only(yield* leaseOf(webhook))
        assert.isTrue(yield* deliveries.retry(webhook.webhookId, earlier.eventId))
        yield* settle(earlier, { status: 410, next: { status: "failed" } })
        const again = only(yield* leaseOf(webhook))
        // The earlier attempt has the same number.
        assert.deepStrictEqual([again.attempt, again.eventId], [earlier.attempt, earlier.eventId])
        yield* settle(earlier, { status: 410, next: { status: "failed" } })
        assert.deepStrictEqual(only(yield* deliveriesOf(webhook)).status, "pending")
        yield* settle(again, { status: 200, next: { status: "delivered" } })
        assert.deepStrictEqual(only(yield* deliveriesOf(webhook)).status, "delivered")
        // A successful delivery can be retried too.
        assert.isTrue(yield* deliveries.retry(webhook.webhookId, earlier.eventId))
        assert.strictEqual(only(yield* leaseOf(webhook)).attempt, 1)
      })
    )

    it.effect("lists all deliveries in parts, latest first, or those of one status", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { webhook } = yield* withDeliveries(7)
        const { webhookId } = webhook
        const [first, second] = yield* leaseOf(webhook, { perHealthy: 2 })
        if (first === undefined || second === undefined) return assert.fail("two deliveries are due")
        for (const one of [first, second]) yield* settle(one, { status: 400, next: { status: "failed" } })
        const partsOf = (limit: number, status?: DeliveryStatus) =>
          Stream.paginate(null as Position | null, (after) =>
            Effect.map(deliveries.list({ webhookId, status, after, limit }), ({ items, next }) => [
              [items],
              Option.fromNullOr(next)
            ])
          ).pipe(Stream.runCollect)
        const parts = yield* partsOf(3)
        assert.deepStrictEqual(
          parts.map(({ length }) => length),
          [3, 3, 1]
        )
        const all = yield* deliveriesOf(webhook)
        assert.lengthOf(all, 7)
        assert.deepStrictEqual(parts.flat(), all)
        const times = all.map(({ created_at: createdAt }) => createdAt)
        assert.deepStrictEqual(times, times.toSorted().toReversed())
        assert.sameMembers(
          (yield* partsOf(1, "failed")).flat().map(({ event_id: eventId }) => eventId),
          [first.eventId, second.eventId]
        )
        assert.deepStrictEqual((yield* partsOf(5, "delivered")).flat(), [])
      })
    )

    it.effect("an unknown id has no delivery", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const [webhookId, eventId] = [WebhookId.make(randomUUID()), EventId.make(randomUUID())]
        const list = deliveries.list({ webhookId, after: null, limit: 10 })
        assert.deepStrictEqual(yield* list, { items: [], next: null })
        assert.strictEqual(yield* deliveries.replay({ webhookId, since: 0 }), 0)
        assert.isTrue(Option.isNone(yield* deliveries.show(webhookId, eventId)))
        assert.isFalse(yield* deliveries.retry(webhookId, eventId))
      })
    )
  })
