/**
 * The tests of `Deliveries` about leases and fan-outs.
 *
 * @module
 */
import { assert, type Vitest } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import { Webhooks } from "../../src/delivery/Webhook.ts"
import { leaseMillis } from "../../src/platform/outward/Schedule.ts"
import { deliveriesOf, freeSlots, leaseOf, MakeDue, type Storage, settle } from "../support/Delivery.ts"
import { only } from "../support/Only.ts"
import { showDelivery, submit, withDeliveries } from "../support/StoredDeliveries.ts"

const hour = 3_600_000

export const suite = (it: Vitest.MethodsNonLive<Storage>) => {
  it.effect(
    "a leased delivery has a payload, an attempt and secrets, and is not leased again until its lease ends",
    () =>
      Effect.gen(function* () {
        const makeDue = yield* MakeDue
        const { secret, webhook } = yield* withDeliveries(1)
        const before = yield* Clock.currentTimeMillis
        const first = only(yield* leaseOf(webhook))
        assert.deepStrictEqual([first.attempt, first.secrets, first.webhook], [1, [secret], webhook])
        assert.strictEqual(JSON.parse(first.payload).type, "submission.accepted")
        const { next_attempt_at: nextAttemptAt, status } = only(yield* deliveriesOf(webhook))
        assert.strictEqual(status, "pending")
        assert.isAtLeast(Date.parse(nextAttemptAt ?? ""), before + leaseMillis - 1_000)
        assert.isAtMost(Date.parse(nextAttemptAt ?? ""), (yield* Clock.currentTimeMillis) + leaseMillis + 1_000)
        assert.lengthOf(yield* leaseOf(webhook), 0)
        yield* makeDue(webhook.webhookId)
        const second = only(yield* leaseOf(webhook))
        assert.deepStrictEqual([second.attempt, second.eventId], [2, first.eventId])
        assert.isAbove(second.generation, first.generation)
      })
  )

  it.effect("only the latest lease records its attempt", () =>
    Effect.gen(function* () {
      const makeDue = yield* MakeDue
      const { webhook } = yield* withDeliveries(1)
      const first = only(yield* leaseOf(webhook))
      yield* makeDue(webhook.webhookId)
      const second = only(yield* leaseOf(webhook))
      yield* settle(first, { status: 400, next: { status: "failed" } })
      const statuses = Effect.map(showDelivery(webhook.webhookId, first.eventId), ({ history, status }) => [
        status,
        ...history.map((attempt) => attempt.status)
      ])
      assert.deepStrictEqual(yield* statuses, ["pending"])
      yield* settle(second, { status: 200, next: { status: "delivered" } })
      assert.deepStrictEqual(yield* statuses, ["delivered", 200])
      yield* settle(second, { status: 500, next: { status: "failed" } })
      assert.deepStrictEqual(yield* statuses, ["delivered", 200])
    })
  )

  it.effect("only the latest lease records its attempt, even if the attempts of both leases end at the same time", () =>
    Effect.gen(function* () {
      const deliveries = yield* Deliveries
      const { webhook } = yield* withDeliveries(1)
      const first = only(yield* leaseOf(webhook))
      assert.isTrue(yield* deliveries.retry(webhook.webhookId, first.eventId))
      const second = only(yield* leaseOf(webhook))
      yield* Effect.all(
        [
          settle(first, { status: 400, next: { status: "failed" } }),
          settle(second, { status: 200, next: { status: "delivered" } })
        ],
        { concurrency: "unbounded" }
      )
      const { history, status } = yield* showDelivery(webhook.webhookId, first.eventId)
      assert.deepStrictEqual([status, ...history.map((attempt) => attempt.status)], ["delivered", 200])
      const after = yield* Webhooks.use((webhooks) => webhooks.withSecrets(webhook.websiteConfigId, webhook.webhookId))
      assert.deepStrictEqual(Option.getOrThrow(after).receiver, webhook)
    })
  )

  it.effect("a retried delivery of a disabled webhook waits until the webhook is enabled", () =>
    Effect.gen(function* () {
      const [deliveries, webhooks] = [yield* Deliveries, yield* Webhooks]
      const { webhook } = yield* withDeliveries(1)
      const { eventId } = only(yield* leaseOf(webhook))
      yield* webhooks.update(webhook.websiteConfigId, webhook.webhookId, { enabled: false })
      assert.isTrue(yield* deliveries.retry(webhook.webhookId, eventId))
      assert.lengthOf(yield* leaseOf(webhook), 0)
      assert.strictEqual(only(yield* deliveriesOf(webhook)).status, "pending")
      yield* webhooks.update(webhook.websiteConfigId, webhook.webhookId, { enabled: true })
      assert.strictEqual(only(yield* leaseOf(webhook)).eventId, eventId)
    })
  )

  it.effect("a pending delivery is not leased before its time, and a failed delivery is never leased", () =>
    Effect.gen(function* () {
      const { webhook } = yield* withDeliveries(2)
      const [retried, failed, ...others] = yield* leaseOf(webhook)
      if (retried === undefined || failed === undefined) return assert.fail("two deliveries are due")
      assert.lengthOf(others, 0)
      const nextAttemptAt = (yield* Clock.currentTimeMillis) + hour
      yield* settle(retried, { status: 500, next: { status: "pending", nextAttemptAt } })
      yield* settle(failed, { status: 400, next: { status: "failed" } })
      assert.lengthOf(yield* leaseOf(webhook), 0)
      const byEvent = new Map((yield* deliveriesOf(webhook)).map((delivery) => [delivery.event_id, delivery]))
      assert.deepInclude(byEvent.get(retried.eventId), {
        status: "pending",
        next_attempt_at: new Date(nextAttemptAt).toISOString(),
        attempts: 1
      })
      assert.deepInclude(byEvent.get(failed.eventId), { status: "failed", next_attempt_at: null, attempts: 1 })
    })
  )

  it.effect("a lease divides the free slots among webhooks: each gets its first slot before any gets its second", () =>
    Effect.gen(function* () {
      const deliveries = yield* Deliveries
      const many = yield* withDeliveries(5)
      const few = yield* withDeliveries(1)
      const lease = (free: number, running: ReadonlyMap<string, number> = new Map()) =>
        Effect.map(deliveries.lease({ ...freeSlots, free }, running), ({ leased }) =>
          [many, few].map(
            ({ webhook }) => leased.filter(({ webhook: { webhookId } }) => webhookId === webhook.webhookId).length
          )
        )
      assert.deepStrictEqual(yield* lease(0), [0, 0])
      assert.deepStrictEqual(yield* lease(100, new Map([[many.webhook.webhookId, freeSlots.perHealthy]])), [0, 1])
      // The last free slots are for first attempts only, so a webhook gets one of the two.
      assert.deepStrictEqual(yield* lease(2), [1, 0])
      assert.deepStrictEqual(yield* lease(freeSlots.free), [4, 0])
    })
  )

  it.effect(
    "a fan-out leases as many of its deliveries as there are free slots, and returns them as a lease does",
    () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { secret, site, webhook } = yield* withDeliveries(0)
        const ids = [yield* submit(site), yield* submit(site), yield* submit(site)]
        const before = yield* Clock.currentTimeMillis
        const { events, leased, waiting } = yield* deliveries.fanOut({ ...freeSlots, perHealthy: 2 }, new Map())
        assert.deepStrictEqual([events, [...waiting]], [3, [webhook.webhookId]])
        assert.lengthOf(leased, 2)
        for (const one of leased) {
          assert.deepStrictEqual([one.attempt, one.generation, one.secrets, one.webhook], [1, 1, [secret], webhook])
          const {
            next_attempt_at: nextAttemptAt,
            payload,
            status
          } = yield* showDelivery(webhook.webhookId, one.eventId)
          assert.deepStrictEqual([status, payload], ["pending", one.payload])
          assert.isAtLeast(Date.parse(nextAttemptAt ?? ""), before + leaseMillis - 1_000)
          assert.isAtMost(Date.parse(nextAttemptAt ?? ""), (yield* Clock.currentTimeMillis) + leaseMillis + 1_000)
        }
        const other = only(yield* leaseOf(webhook))
        assert.sameMembers(
          [...leased, other].map(({ payload }) => JSON.parse(payload).data.submission_id),
          ids
        )
        for (const one of [...leased, other]) {
          yield* settle(one, { status: 200, next: { status: "delivered" } })
        }
        assert.deepStrictEqual(
          (yield* deliveriesOf(webhook)).map(({ attempts, status }) => [status, attempts]),
          Array.from({ length: 3 }, () => ["delivered", 1])
        )
      })
  )

  it.effect(
    "a fan-out leases no delivery before an earlier one of its webhook, and no more than the webhook has free slots",
    () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { site, webhook } = yield* withDeliveries(1)
        const { event_id: earlier } = only(yield* deliveriesOf(webhook))
        yield* submit(site)
        const { leased, waiting } = yield* deliveries.fanOut({ ...freeSlots, perHealthy: 1 }, new Map())
        const first = leased.length > 0 ? leased : yield* leaseOf(webhook, { perHealthy: 1 })
        assert.strictEqual(only(first).eventId, earlier)
        assert.isTrue(waiting.has(webhook.webhookId))
        yield* submit(site)
        const running = new Map([[webhook.webhookId, freeSlots.perHealthy]])
        assert.deepStrictEqual((yield* deliveries.fanOut(freeSlots, running)).leased, [])
        assert.lengthOf(yield* leaseOf(webhook), 2)
      })
  )

  it.effect("a lease names the webhooks that have more due deliveries", () =>
    Effect.gen(function* () {
      const deliveries = yield* Deliveries
      const { webhook } = yield* withDeliveries(3)
      const isWaiting = (slots: Partial<typeof freeSlots>, running: ReadonlyMap<string, number> = new Map()) =>
        Effect.map(deliveries.lease({ ...freeSlots, ...slots }, running), ({ waiting }) =>
          waiting.has(webhook.webhookId)
        )
      assert.isTrue(yield* isWaiting({ perHealthy: 1 }))
      assert.isTrue(yield* isWaiting({ perHealthy: 1 }, new Map([[webhook.webhookId, 1]])))
      assert.isFalse(yield* isWaiting({ perHealthy: 3 }, new Map([[webhook.webhookId, 1]])))
    })
  )
}
