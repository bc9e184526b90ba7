/**
 * The suite of every `Deliveries`, from the outbox on.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import { leaseMillis } from "../../src/core/delivery/Webhook.ts"
import { Deliveries } from "../../src/services/delivery/Deliveries.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"
import { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import {
  deliveriesOf,
  fanOutAll,
  Hurry,
  leaseOf,
  newSite,
  newWebhook,
  room,
  type Storage,
  settle
} from "../support/Delivery.ts"
import { only } from "../support/Only.ts"
import * as SubmissionDraft from "../support/SubmissionDraft.ts"

const url = "https://hooks.example/"

const hour = 3_600_000

const submit = (site: string, more: Parameters<typeof SubmissionDraft.make>[1] = {}) =>
  SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site, more)))

/** A website with a webhook and this many submissions that were turned into deliveries. */
const withDeliveries = Effect.fnUntraced(function* (count: number) {
  const site = yield* newSite
  const { secret, webhook } = yield* newWebhook(site, url)
  for (let number = 0; number < count; number++) yield* submit(site, { receivedAt: Date.now() + number })
  yield* fanOutAll
  return { site, secret, webhook }
})

const shown = (webhookId: string, eventId: string) =>
  Deliveries.use((deliveries) => deliveries.show(webhookId, eventId)).pipe(Effect.map(Option.getOrThrow))

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect("each webhook of the website gets one delivery of an event that it wants, and no other webhook", () =>
      Effect.gen(function* () {
        const [site, other] = [yield* newSite, yield* newSite]
        const all = yield* newWebhook(site, url)
        const accepted = yield* newWebhook(site, url, ["submission.accepted"])
        const deleted = yield* newWebhook(site, url, ["submission.deleted"])
        const others = yield* newWebhook(other, url)
        const id = yield* submit(site)
        yield* SiteDirectory.use(({ update }) => update(site, { name: "Renamed" }))
        yield* fanOutAll
        const deliveries = [yield* deliveriesOf(all.webhook), yield* deliveriesOf(accepted.webhook)].map(only)
        assert.deepStrictEqual(new Set(deliveries.map(({ eventId }) => eventId)).size, 1)
        for (const { attempts, eventId, status, type, webhookId } of deliveries) {
          assert.deepStrictEqual([type, status, attempts], ["submission.accepted", "pending", 0])
          const { payload } = yield* shown(webhookId, eventId)
          const { data, website } = JSON.parse(payload ?? "")
          assert.strictEqual(data.submission_id, id)
          assert.deepStrictEqual(website, { website_config_id: site, name: "Renamed" })
        }
        for (const { webhook } of [deleted, others]) assert.lengthOf(yield* deliveriesOf(webhook), 0)
      })
    )

    it.effect("a website without a webhook leaves no event, also for a webhook that is created later", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        yield* submit(site)
        const { webhook } = yield* newWebhook(site, url)
        yield* fanOutAll
        assert.lengthOf(yield* deliveriesOf(webhook), 0)
      })
    )

    it.effect("a submission that is sent again with its key leaves one event", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const { webhook } = yield* newWebhook(site, url)
        const idempotency = { key: "key", fingerprint: "print" }
        assert.strictEqual(yield* submit(site, { idempotency }), yield* submit(site, { idempotency }))
        yield* fanOutAll
        assert.lengthOf(yield* deliveriesOf(webhook), 1)
      })
    )

    it.effect("quarantine, release and deletion are events; a release of an accepted submission is none", () =>
      Effect.gen(function* () {
        const repo = yield* SubmissionRepo
        const site = yield* newSite
        const { webhook } = yield* newWebhook(site, url)
        const id = yield* submit(site, { status: "quarantined", reasons: ["links"] })
        yield* fanOutAll
        assert.isTrue(yield* repo.release(id))
        assert.isTrue(yield* repo.release(id))
        yield* fanOutAll
        assert.isTrue(yield* repo.delete(id))
        assert.isFalse(yield* repo.delete(id))
        yield* fanOutAll
        const deliveries = yield* deliveriesOf(webhook)
        assert.sameMembers(
          deliveries.map(({ type }) => type),
          ["submission.quarantined", "submission.released", "submission.deleted"]
        )
      })
    )

    it.effect("a deleted submission's data is in no delivery and no answer, and what was pending is cancelled", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const repo = yield* SubmissionRepo
        const { site, webhook } = yield* withDeliveries(0)
        const id = yield* submit(site)
        yield* fanOutAll
        const leased = only(yield* leaseOf(webhook))
        yield* settle(leased, { status: 500, next: { status: "pending", nextAttemptAt: Date.now() + hour } })
        const unsent = yield* submit(site)
        assert.isTrue(yield* repo.delete(id))
        assert.isTrue(yield* repo.delete(unsent))
        yield* fanOutAll
        const all = yield* deliveriesOf(webhook)
        assert.deepStrictEqual(all.map(({ type }) => type).sort(), [
          "submission.accepted",
          "submission.deleted",
          "submission.deleted"
        ])
        const { history, nextAttemptAt, payload, status } = yield* shown(webhook.webhookId, leased.eventId)
        assert.deepStrictEqual([status, nextAttemptAt, payload], ["cancelled", null, null])
        assert.deepStrictEqual(
          history.map(({ answer, status }) => [status, answer]),
          [[500, null]]
        )
        assert.isFalse(yield* deliveries.retry(webhook.webhookId, leased.eventId))
      })
    )

    it.effect("a lease holds a delivery until it ends, and carries the payload, the number and the secrets", () =>
      Effect.gen(function* () {
        const hurry = yield* Hurry
        const { secret, webhook } = yield* withDeliveries(1)
        const before = Date.now()
        const first = only(yield* leaseOf(webhook))
        assert.deepStrictEqual([first.attempt, first.secrets, first.webhook], [1, [secret], webhook])
        assert.strictEqual(JSON.parse(first.payload).type, "submission.accepted")
        const { nextAttemptAt, status } = only(yield* deliveriesOf(webhook))
        assert.strictEqual(status, "pending")
        assert.isAtLeast(nextAttemptAt ?? 0, before + leaseMillis - 1_000)
        assert.isAtMost(nextAttemptAt ?? 0, Date.now() + leaseMillis + 1_000)
        assert.lengthOf(yield* leaseOf(webhook), 0)
        yield* hurry(webhook.webhookId)
        const second = only(yield* leaseOf(webhook))
        assert.deepStrictEqual([second.attempt, second.eventId], [2, first.eventId])
        assert.isAbove(second.generation, first.generation)
      })
    )

    it.effect("only the latest lease records its attempt", () =>
      Effect.gen(function* () {
        const hurry = yield* Hurry
        const { webhook } = yield* withDeliveries(1)
        const first = only(yield* leaseOf(webhook))
        yield* hurry(webhook.webhookId)
        const second = only(yield* leaseOf(webhook))
        yield* settle(first, { status: 400, next: { status: "failed" } })
        const statuses = Effect.map(shown(webhook.webhookId, first.eventId), ({ history, status }) => [
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

    it.effect("a retry begins the schedule again, and an attempt from before it changes nothing", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { webhook } = yield* withDeliveries(1)
        const late = only(yield* leaseOf(webhook))
        assert.isTrue(yield* deliveries.retry(webhook.webhookId, late.eventId))
        yield* settle(late, { status: 410, next: { status: "failed" } })
        const again = only(yield* leaseOf(webhook))
        // The same number as that of the late attempt.
        assert.deepStrictEqual([again.attempt, again.eventId], [late.attempt, late.eventId])
        yield* settle(late, { status: 410, next: { status: "failed" } })
        assert.deepStrictEqual(only(yield* deliveriesOf(webhook)).status, "pending")
        yield* settle(again, { status: 200, next: { status: "delivered" } })
        assert.deepStrictEqual(only(yield* deliveriesOf(webhook)).status, "delivered")
        // A delivered one can be sent again, too.
        assert.isTrue(yield* deliveries.retry(webhook.webhookId, late.eventId))
        assert.strictEqual(only(yield* leaseOf(webhook)).attempt, 1)
      })
    )

    it.effect("a pending delivery waits for its time, and an ended one is leased no more", () =>
      Effect.gen(function* () {
        const { webhook } = yield* withDeliveries(2)
        const [one, two, ...others] = yield* leaseOf(webhook)
        if (one === undefined || two === undefined) return assert.fail("two are due")
        assert.lengthOf(others, 0)
        const nextAttemptAt = Date.now() + hour
        yield* settle(one, { status: 500, next: { status: "pending", nextAttemptAt } })
        yield* settle(two, { status: 400, next: { status: "failed" } })
        assert.lengthOf(yield* leaseOf(webhook), 0)
        const found = new Map((yield* deliveriesOf(webhook)).map((delivery) => [delivery.eventId, delivery]))
        assert.deepInclude(found.get(one.eventId), { status: "pending", nextAttemptAt, attempts: 1 })
        assert.deepInclude(found.get(two.eventId), { status: "failed", nextAttemptAt: null, attempts: 1 })
      })
    )

    it.effect("a webhook's health is the first failure after the last success, and a disabled one is left alone", () =>
      Effect.gen(function* () {
        const { webhook } = yield* withDeliveries(3)
        const [one, two] = yield* leaseOf(webhook, { healthy: 2 })
        if (one === undefined || two === undefined) return assert.fail("two are due")
        const pending = { status: "pending", nextAttemptAt: Date.now() } as const
        // Two processes see the first failure at different times.
        const health = { disabledAt: null }
        yield* settle(one, { status: 500, next: pending, health: { ...health, failingSince: 1_000 } })
        yield* settle(two, { status: 500, next: pending, health: { ...health, failingSince: 2_000 } })
        const failing = only(yield* leaseOf(webhook))
        assert.deepInclude(failing.webhook, { failingSince: 1_000, disabledAt: null })
        yield* settle(failing, {
          status: 200,
          next: { status: "delivered" },
          health: { ...health, failingSince: null }
        })
        const [well, another] = yield* leaseOf(webhook)
        if (well === undefined || another === undefined) return assert.fail("two are due")
        assert.deepInclude(well.webhook, { failingSince: null, disabledAt: null })
        yield* settle(well, {
          status: 410,
          next: { status: "failed" },
          health: { failingSince: 3_000, disabledAt: 4_000 }
        })
        assert.deepStrictEqual((yield* deliveriesOf(webhook)).map(({ status }) => status).sort(), [
          "cancelled",
          "delivered",
          "failed"
        ])
        yield* settle(another, { status: 200, next: { status: "delivered" } })
        assert.lengthOf(
          (yield* deliveriesOf(webhook)).filter(({ status }) => status === "cancelled"),
          1
        )
      })
    )

    it.effect("a lease divides the room among webhooks, the first delivery of each before the second of any", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const many = yield* withDeliveries(5)
        const few = yield* withDeliveries(1)
        const lease = (free: number, running: ReadonlyMap<string, number> = new Map()) =>
          Effect.map(deliveries.lease({ ...room, free }, running), ({ leased }) =>
            [many, few].map(
              ({ webhook }) => leased.filter(({ webhook: { webhookId } }) => webhookId === webhook.webhookId).length
            )
          )
        assert.deepStrictEqual(yield* lease(0), [0, 0])
        assert.deepStrictEqual(yield* lease(100, new Map([[many.webhook.webhookId, room.healthy]])), [0, 1])
        assert.deepStrictEqual(yield* lease(2), [1, 0])
        assert.deepStrictEqual(yield* lease(room.free), [4, 0])
      })
    )

    it.effect("a fan-out leases what it stores for which there is room, and carries what a lease carries", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { secret, site, webhook } = yield* withDeliveries(0)
        const ids = [yield* submit(site), yield* submit(site), yield* submit(site)]
        const before = Date.now()
        const { events, leased, waiting } = yield* deliveries.fanOut({ ...room, healthy: 2 }, new Map())
        assert.deepStrictEqual([events, [...waiting]], [3, [webhook.webhookId]])
        assert.lengthOf(leased, 2)
        for (const one of leased) {
          assert.deepStrictEqual([one.attempt, one.generation, one.secrets, one.webhook], [1, 1, [secret], webhook])
          const { nextAttemptAt, payload, status } = yield* shown(webhook.webhookId, one.eventId)
          assert.deepStrictEqual([status, payload], ["pending", one.payload])
          assert.isAtLeast(nextAttemptAt ?? 0, before + leaseMillis - 1_000)
          assert.isAtMost(nextAttemptAt ?? 0, Date.now() + leaseMillis + 1_000)
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
      "a fan-out leases the earlier deliveries of a webhook first, or none of it, and none beyond its room",
      () =>
        Effect.gen(function* () {
          const deliveries = yield* Deliveries
          const { site, webhook } = yield* withDeliveries(1)
          const { eventId: earlier } = only(yield* deliveriesOf(webhook))
          yield* submit(site)
          const { leased, waiting } = yield* deliveries.fanOut({ ...room, healthy: 1 }, new Map())
          const first = leased.length > 0 ? leased : yield* leaseOf(webhook, { healthy: 1 })
          assert.strictEqual(only(first).eventId, earlier)
          assert.isTrue(waiting.has(webhook.webhookId))
          yield* submit(site)
          const running = new Map([[webhook.webhookId, room.healthy]])
          assert.deepStrictEqual((yield* deliveries.fanOut(room, running)).leased, [])
          assert.lengthOf(yield* leaseOf(webhook), 2)
        })
    )

    it.effect("a lease says which webhooks have more that is due", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { webhook } = yield* withDeliveries(3)
        const waits = (of: Partial<typeof room>, running: ReadonlyMap<string, number> = new Map()) =>
          Effect.map(deliveries.lease({ ...room, ...of }, running), ({ waiting }) => waiting.has(webhook.webhookId))
        assert.isTrue(yield* waits({ healthy: 1 }))
        assert.isTrue(yield* waits({ healthy: 1 }, new Map([[webhook.webhookId, 1]])))
        assert.isFalse(yield* waits({ healthy: 3 }, new Map([[webhook.webhookId, 1]])))
      })
    )

    it.effect("a list has the latest hundred, of one status if it is given", () =>
      Effect.gen(function* () {
        const deliveries = yield* Deliveries
        const { webhook } = yield* withDeliveries(101)
        const [first] = yield* leaseOf(webhook, { healthy: 1 })
        if (first === undefined) return assert.fail("one is due")
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
