/**
 * The tests of `Deliveries` about replays.
 *
 * @module
 */
import { assert, type Vitest } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { Deliveries, type Leased, replayStepSize } from "../../src/delivery/Delivery.ts"
import { Webhooks } from "../../src/delivery/Webhook.ts"
import { deliveriesOf, fanOutAll, leaseOf, MakeDue, type Storage, settle } from "../support/Delivery.ts"
import { withDeliveries } from "../support/StoredDeliveries.ts"
import { remove } from "../support/TestSubmissions.ts"

const hour = 3_600_000

const idsOf = (all: ReadonlyArray<Pick<Leased, "eventId">>) => all.map(({ eventId }) => eventId)

/** Continues all replays until they make no more delivery due. Returns how many each step made due. */
const continueAll = Effect.gen(function* () {
  const { continueReplays } = yield* Deliveries
  const counts: Array<number> = []
  for (let count = yield* continueReplays; count > 0; count = yield* continueReplays) counts.push(count)
  return counts
})

/** Leases the due deliveries of a new webhook, and ends them: those at odd places fail, the others are delivered. */
const withEnded = Effect.fnUntraced(function* (count: number) {
  const stored = yield* withDeliveries(count)
  const leased = yield* leaseOf(stored.webhook)
  assert.lengthOf(leased, count)
  const failed: Array<Leased> = []
  for (const [place, one] of leased.entries()) {
    if (place % 2 === 1) failed.push(one)
    const next = { status: place % 2 === 1 ? "failed" : "delivered" } as const
    yield* settle(one, { status: place % 2 === 1 ? 400 : 200, next, affectsHealth: false })
  }
  return { ...stored, leased, failed }
})

export const suite = (it: Vitest.MethodsNonLive<Storage>) => {
  it.effect("a replay sends the failed deliveries since a time again, with the same event ids, and only once", () =>
    Effect.gen(function* () {
      const deliveries = yield* Deliveries
      const { failed, webhook } = yield* withEnded(6)
      const { webhookId } = webhook
      const latest = Date.parse((yield* deliveriesOf(webhook))[0]?.created_at ?? "")
      const selection = { webhookId, since: latest - hour, status: "failed" } as const
      assert.strictEqual(yield* deliveries.countReplay({ ...selection, since: latest + 1 }), 0)
      assert.strictEqual(yield* deliveries.countReplay(selection), 3)
      assert.strictEqual(yield* deliveries.replay(selection), 3)
      // Nothing is due before a process continues the replay.
      assert.deepStrictEqual(yield* leaseOf(webhook), [])
      assert.deepStrictEqual(yield* continueAll, [3])
      const again = yield* leaseOf(webhook)
      assert.sameMembers(idsOf(again), idsOf(failed))
      for (const one of again) {
        assert.strictEqual(one.attempt, 1)
        yield* settle(one, { status: 200, next: { status: "delivered" } })
      }
      assert.strictEqual(yield* deliveries.replay(selection), 0)
      assert.deepStrictEqual(yield* continueAll, [])
      assert.isTrue((yield* deliveriesOf(webhook)).every(({ status }) => status === "delivered"))
    })
  )

  it.effect("a replay begins with the first event at its time, and includes every status without a status", () =>
    Effect.gen(function* () {
      const deliveries = yield* Deliveries
      const { leased, webhook } = yield* withEnded(5)
      const all = yield* deliveriesOf(webhook)
      const since = Date.parse(all[2]?.created_at ?? "")
      assert.strictEqual(yield* deliveries.replay({ webhookId: webhook.webhookId, since }), 3)
      assert.deepStrictEqual(yield* continueAll, [3])
      assert.sameMembers(
        idsOf(yield* leaseOf(webhook)),
        all.slice(0, 3).map(({ event_id }) => event_id)
      )
      assert.lengthOf(leased, 5)
    })
  )

  it.effect("a delivery that waits for a later attempt becomes due, and one that is being attempted does not", () =>
    Effect.gen(function* () {
      const deliveries = yield* Deliveries
      const { webhook } = yield* withDeliveries(2)
      const [waiting, running] = yield* leaseOf(webhook)
      if (waiting === undefined || running === undefined) return assert.fail("two deliveries are due")
      const { created_at: createdAt } = (yield* deliveriesOf(webhook))[0] ?? assert.fail("there are deliveries")
      const next = { status: "pending", nextAttemptAt: (yield* Clock.currentTimeMillis) + 20 * hour } as const
      yield* settle(waiting, { status: 500, next })
      const selection = { webhookId: webhook.webhookId, since: Date.parse(createdAt) - hour }
      assert.strictEqual(yield* deliveries.replay(selection), 1)
      assert.deepStrictEqual(yield* continueAll, [1])
      assert.deepStrictEqual(idsOf(yield* leaseOf(webhook)), idsOf([waiting]))
      yield* settle(running, { status: 200, next: { status: "delivered" } })
      const ended = (yield* deliveriesOf(webhook)).find(({ event_id: eventId }) => eventId === running.eventId)
      assert.strictEqual(ended?.status, "delivered")
    })
  )

  it.effect("a webhook with many due deliveries gets no more until some are sent, and a disabled one gets none", () =>
    Effect.gen(function* () {
      const [deliveries, webhooks, makeDue] = [yield* Deliveries, yield* Webhooks, yield* MakeDue]
      const count = replayStepSize + 20
      const { webhook } = yield* withDeliveries(count)
      const { webhookId } = webhook
      const leased = [...(yield* leaseOf(webhook)), ...(yield* leaseOf(webhook))]
      assert.lengthOf(leased, count)
      yield* Effect.forEach(
        leased,
        (one) => settle(one, { status: 400, next: { status: "failed" }, affectsHealth: false }),
        {
          concurrency: "unbounded"
        }
      )
      yield* webhooks.update(webhook.websiteConfigId, webhookId, { enabled: false })
      assert.strictEqual(yield* deliveries.replay({ webhookId, since: 0, status: "failed" }), count)
      assert.deepStrictEqual(yield* continueAll, [])
      yield* webhooks.update(webhook.websiteConfigId, webhookId, { enabled: true })
      assert.deepStrictEqual(yield* continueAll, [replayStepSize])
      // A later replay of fewer deliveries does not keep the first from its end.
      const since = Date.parse((yield* deliveriesOf(webhook))[4]?.created_at ?? "")
      assert.isAtLeast(yield* deliveries.replay({ webhookId, since, status: "failed" }), 5)
      const first = yield* leaseOf(webhook)
      assert.lengthOf(first, replayStepSize)
      assert.deepStrictEqual(yield* continueAll, [20])
      yield* Effect.forEach(first, (one) => settle(one, { status: 200, next: { status: "delivered" } }), {
        concurrency: "unbounded"
      })
      yield* makeDue(webhookId)
      assert.lengthOf(yield* leaseOf(webhook), 20)
    })
  )

  it.effect("a replay leaves out what was deleted and other webhooks, and ends with its webhook", () =>
    Effect.gen(function* () {
      const [deliveries, webhooks] = [yield* Deliveries, yield* Webhooks]
      const { failed, webhook } = yield* withEnded(4)
      const other = yield* withEnded(2)
      const [gone] = failed
      const { payload } = gone ?? assert.fail("a delivery failed")
      yield* remove(webhook.websiteConfigId, JSON.parse(payload).data.submission_id)
      yield* fanOutAll
      const selection = { webhookId: webhook.webhookId, since: 0, status: "failed" } as const
      assert.strictEqual(yield* deliveries.replay(selection), 1)
      assert.deepStrictEqual(yield* continueAll, [1])
      assert.lengthOf(
        (yield* deliveriesOf(other.webhook)).filter(({ status }) => status === "pending"),
        0
      )
      yield* deliveries.replay({ ...selection, webhookId: other.webhook.webhookId })
      yield* webhooks.delete(other.webhook.websiteConfigId, other.webhook.webhookId)
      assert.deepStrictEqual(yield* continueAll, [])
    })
  )

  it.effect("processes that continue one replay at once make each delivery due once", () =>
    Effect.gen(function* () {
      const deliveries = yield* Deliveries
      const { failed, webhook } = yield* withEnded(40)
      yield* deliveries.replay({ webhookId: webhook.webhookId, since: 0, status: "failed" })
      const counts = yield* Effect.all(
        Array.from({ length: 4 }, () => deliveries.continueReplays),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(
        counts.reduce((sum, count) => sum + count, 0),
        failed.length
      )
      assert.sameMembers(idsOf(yield* leaseOf(webhook)), idsOf(failed))
    })
  )
}
