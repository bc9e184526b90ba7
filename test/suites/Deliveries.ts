/**
 * The tests that every layer of `Deliveries` must pass: creation, leases, retries and lists of deliveries, and the health of webhooks.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import { Deliveries } from "../../src/services/delivery/Deliveries.ts"
import { deliveriesOf, leaseOf, type Storage, settle } from "../support/Delivery.ts"
import { only } from "../support/Only.ts"
import { withDeliveries } from "../support/StoredDeliveries.ts"
import * as Creation from "./DeliveryCreation.ts"
import * as Health from "./DeliveryHealth.ts"
import * as Leases from "./DeliveryLeases.ts"

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    Creation.suite(it)
    Leases.suite(it)
    Health.suite(it)

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

    it.effect("lists the latest hundred deliveries, or those of one status", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { webhook } = yield* withDeliveries(101)
        const [first] = yield* leaseOf(webhook, { perHealthy: 1 })
        if (first === undefined) return assert.fail("a delivery is due")
        yield* settle(first, { status: 200, next: { status: "delivered" } })
        const all = yield* deliveriesOf(webhook)
        assert.lengthOf(all, 100)
        const times = all.map(({ createdAt }) => createdAt)
        assert.deepStrictEqual(
          times,
          times.toSorted((left, right) => right - left)
        )
        const delivered = yield* deliveries.list(webhook.webhookId, "delivered")
        assert.strictEqual(only(delivered).eventId, first.eventId)
      })
    )

    it.effect("an unknown or malformed id has no delivery", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        for (const id of [randomUUID(), "x", ""]) {
          assert.deepStrictEqual(yield* deliveries.list(id), [])
          assert.isTrue(Option.isNone(yield* deliveries.show(id, id)))
          assert.isFalse(yield* deliveries.retry(id, id))
        }
      })
    )
  })
