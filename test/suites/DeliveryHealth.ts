/**
 * The tests of `Deliveries` about the health of webhooks.
 *
 * @module
 */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Option } from "effect"
import { type Receiver, Webhooks } from "../../src/delivery/Webhook.ts"
import { healthy } from "../../src/platform/outward/Schedule.ts"
import { deliveriesOf, fanOutAll, leaseOf, MakeDue, type Storage, settle } from "../support/Delivery.ts"
import { only } from "../support/Only.ts"
import { submit, withDeliveries } from "../support/StoredDeliveries.ts"

const hour = 3_600_000
const day = 24 * hour

/** When the first attempt of a test ends. */
const start = Date.UTC(2026, 0, 1)

const healthOf = ({ webhookId, websiteConfigId }: Receiver) =>
  Webhooks.use((webhooks) => webhooks.withSecrets(websiteConfigId, webhookId)).pipe(
    Effect.map((found) => {
      const { disabledAt, failedAgainAt, failingSince } = Option.getOrThrow(found).receiver
      return { disabledAt, failedAgainAt, failingSince }
    })
  )

/** Makes one attempt, whose outcome is `status` at `at`. The delivery stays pending after a failure, unless it is given up. */
const attempt = Effect.fnUntraced(function* (webhook: Receiver, status: number, at: number, isGivenUp = false) {
  yield* MakeDue.use((makeDue) => makeDue(webhook.webhookId))
  const [leased] = yield* leaseOf(webhook, { perHealthy: 1 })
  if (leased === undefined) return yield* Effect.die("no delivery is due")
  const next =
    status < 300
      ? ({ status: "delivered" } as const)
      : isGivenUp
        ? ({ status: "failed" } as const)
        : ({ status: "pending", nextAttemptAt: at } as const)
  return yield* settle(leased, { status, at, next })
})

export const suite = (it: Vitest.MethodsNonLive<Storage>) => {
  it.effect("a webhook is failing since the first failure that ended after its last success", () =>
    Effect.gen(function* () {
      const { webhook } = yield* withDeliveries(3)
      const [one, two] = yield* leaseOf(webhook, { perHealthy: 2 })
      if (one === undefined || two === undefined) return assert.fail("two deliveries are due")
      const next = { status: "pending", nextAttemptAt: start } as const
      // Two processes attempt deliveries of a webhook that both have read before the first failure.
      assert.deepStrictEqual((yield* settle(one, { status: 500, at: start, next })).health.failingSince, start)
      assert.deepStrictEqual((yield* settle(two, { status: 500, at: start + hour, next })).health.failingSince, start)
      assert.deepStrictEqual(yield* healthOf(webhook), { ...healthy, failingSince: start })
      yield* attempt(webhook, 500, start + 13 * hour)
      assert.deepStrictEqual(yield* healthOf(webhook), {
        failingSince: start,
        failedAgainAt: start + 13 * hour,
        disabledAt: null
      })
      yield* attempt(webhook, 200, start + 14 * hour)
      assert.deepStrictEqual(yield* healthOf(webhook), healthy)
    })
  )

  it.effect("five days of failures disable a webhook once, and enabling it resumes its pending deliveries", () =>
    Effect.gen(function* () {
      const webhooks = yield* Webhooks
      const { site, webhook } = yield* withDeliveries(3)
      const { webhookId } = webhook
      for (let days = 0; days < 5; days++) {
        assert.isFalse((yield* attempt(webhook, 500, start + days * day)).hasDisabled)
      }
      yield* MakeDue.use((makeDue) => makeDue(webhookId))
      const last = only(yield* leaseOf(webhook))
      const next = { status: "pending", nextAttemptAt: start } as const
      const settled = yield* settle(last, { status: 500, at: start + 5 * day, next })
      assert.deepStrictEqual([settled.hasDisabled, settled.health.disabledAt], [true, start + 5 * day])
      assert.deepStrictEqual((yield* healthOf(webhook)).disabledAt, start + 5 * day)
      // What was pending waits. An event that happens meanwhile is not sent.
      yield* submit(site)
      yield* fanOutAll
      const waiting = yield* deliveriesOf(webhook)
      assert.deepStrictEqual(
        waiting.map(({ status }) => status),
        ["pending", "pending", "pending"]
      )
      yield* MakeDue.use((makeDue) => makeDue(webhookId))
      assert.deepStrictEqual(yield* leaseOf(webhook), [])
      const enabled = Option.getOrThrow(yield* webhooks.update(site, webhookId, { enabled: true }))
      assert.deepInclude(enabled, { failing_since: null, disabled_at: null })
      const resumed = yield* leaseOf(webhook)
      assert.sameMembers(
        resumed.map(({ eventId }) => eventId),
        waiting.map(({ event_id: eventId }) => eventId)
      )
      for (const one of resumed) yield* settle(one, { status: 200, next: { status: "delivered" } })
      assert.isTrue((yield* deliveriesOf(webhook)).every(({ status }) => status === "delivered"))
    })
  )

  it.effect("one failure after a quiet month disables no webhook", () =>
    Effect.gen(function* () {
      const { site, webhook } = yield* withDeliveries(1)
      // The delivery is given up while none is pending: the series ends.
      yield* attempt(webhook, 500, start)
      yield* attempt(webhook, 500, start + 13 * hour, true)
      assert.deepStrictEqual(yield* healthOf(webhook), healthy)
      yield* submit(site)
      yield* fanOutAll
      yield* attempt(webhook, 500, start + 30 * day)
      assert.deepStrictEqual(yield* healthOf(webhook), { ...healthy, failingSince: start + 30 * day })
      // This delivery was not given up, but nothing was attempted for a month.
      yield* attempt(webhook, 500, start + 60 * day)
      assert.deepStrictEqual(yield* healthOf(webhook), { ...healthy, failingSince: start + 60 * day })
    })
  )

  it.effect("a delivery that is given up while another is pending does not end the series", () =>
    Effect.gen(function* () {
      const { webhook } = yield* withDeliveries(2)
      yield* attempt(webhook, 500, start)
      yield* attempt(webhook, 500, start + hour, true)
      assert.deepStrictEqual(yield* healthOf(webhook), { ...healthy, failingSince: start })
    })
  )

  it.effect("a new URL ends the series, and an attempt at the old URL says nothing about the new one", () =>
    Effect.gen(function* () {
      const webhooks = yield* Webhooks
      const { webhook } = yield* withDeliveries(2)
      yield* attempt(webhook, 500, start)
      yield* webhooks.update(webhook.websiteConfigId, webhook.webhookId, { url: webhook.url, format: "standard" })
      assert.deepStrictEqual(yield* healthOf(webhook), { ...healthy, failingSince: start })
      yield* MakeDue.use((makeDue) => makeDue(webhook.webhookId))
      const old = only(yield* leaseOf(webhook))
      yield* webhooks.update(webhook.websiteConfigId, webhook.webhookId, { url: `${webhook.url}new` })
      assert.deepStrictEqual(yield* healthOf(webhook), healthy)
      const { hasDisabled } = yield* settle(old, { status: 410, at: start + hour, next: { status: "failed" } })
      assert.isFalse(hasDisabled)
      assert.deepStrictEqual(yield* healthOf(webhook), healthy)
    })
  )

  it.effect("an attempt that could not be signed does not change the health, and 410 disables at once", () =>
    Effect.gen(function* () {
      const { webhook } = yield* withDeliveries(2)
      const [unsigned] = yield* leaseOf(webhook, { perHealthy: 1 })
      if (unsigned === undefined) return assert.fail("a delivery is due")
      yield* settle(unsigned, { status: null, next: { status: "failed" }, affectsHealth: false })
      assert.deepStrictEqual(yield* healthOf(webhook), healthy)
      assert.isTrue((yield* attempt(webhook, 410, start, true)).hasDisabled)
      assert.deepStrictEqual(yield* healthOf(webhook), { ...healthy, failingSince: start, disabledAt: start })
    })
  )

  it.effect("a result that comes after the webhook was disabled is recorded, and keeps it disabled", () =>
    Effect.gen(function* () {
      const { webhook } = yield* withDeliveries(2)
      const [running, gone] = yield* leaseOf(webhook, { perHealthy: 2 })
      if (running === undefined || gone === undefined) return assert.fail("two deliveries are due")
      yield* settle(gone, { status: 410, next: { status: "failed" } })
      yield* settle(running, { status: 200, next: { status: "delivered" } })
      const statuses = (yield* deliveriesOf(webhook)).map(({ event_id: eventId, status }) => [
        eventId === running.eventId,
        status
      ])
      assert.sameDeepMembers(statuses, [
        [true, "delivered"],
        [false, "failed"]
      ])
      assert.isNotNull((yield* healthOf(webhook)).disabledAt)
    })
  )
}
