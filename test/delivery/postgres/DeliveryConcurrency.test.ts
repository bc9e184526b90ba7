/** Changes of webhooks and submissions while a fan-out or a settlement runs. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Option } from "effect"
import type { Leased } from "../../../src/delivery/Delivery.ts"
import * as FanOut from "../../../src/delivery/postgres/FanOut.ts"
import * as Leases from "../../../src/delivery/postgres/Leases.ts"
import { type Receiver, Webhooks } from "../../../src/delivery/Webhook.ts"
import { Inbox } from "../../../src/forms/Inbox.ts"
import { SubmissionId } from "../../../src/platform/Id.ts"
import * as Delivery from "../../support/Delivery.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { submit, withDeliveries } from "../../support/StoredDeliveries.ts"
import { remove } from "../../support/TestSubmissions.ts"
import { poll } from "../../support/Wait.ts"

const url = "https://hooks.example/"

const deliveriesOf = (webhookId: string) =>
  PgClient.PgClient.use(
    (sql) => sql`SELECT type, status, payload IS NOT NULL AS "hasPayload" FROM delivery
      WHERE subscriber_id = ${PgTypes.uuid(webhookId)} ORDER BY type`
  )

/** Waits until a statement that begins with `prefix` waits for a lock. */
const untilWaiting = (sql: PgClient.PgClient, prefix: string) =>
  poll(
    sql`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
      AND starts_with(query, ${PgTypes.text(prefix)})`,
    (rows) => rows.length === 1
  )

/** Runs `change` while a fan-out has stored a delivery and has not committed, and returns the webhook's deliveries. */
const changedDuringFanOut = Effect.fnUntraced(function* <A, E>(
  change: (webhooks: Webhooks["Service"], webhook: Receiver) => Effect.Effect<A, E>
) {
  const sql = yield* PgClient.PgClient
  const webhooks = yield* Webhooks
  const site = yield* Delivery.newSite
  const { webhook } = yield* Delivery.newWebhook(site, url)
  yield* submit(site)
  const fanOut = yield* Locks.openTransaction(sql, FanOut.run(sql, Option.none(), Option.none()))
  const changing = yield* Effect.forkChild(change(webhooks, webhook))
  // Either the change waits for the fan-out, or it is done.
  yield* Effect.raceFirst(Locks.untilAwaited(sql), Fiber.await(changing))
  yield* fanOut.commit
  yield* Fiber.join(changing)
  return yield* deliveriesOf(webhook.webhookId)
})

describe("delivery/postgres: changes of a webhook during a fan-out", () => {
  it.live("a deleted webhook keeps no delivery", () =>
    changedDuringFanOut((webhooks, { webhookId, websiteConfigId }) => webhooks.delete(websiteConfigId, webhookId)).pipe(
      Effect.map((deliveries) => assert.deepStrictEqual(deliveries, [])),
      Effect.provide(Delivery.postgres)
    )
  )
})

describe("delivery/postgres: a webhook that is deleted while its website is deleted", () => {
  it.live("locks the website first, as the deletion of the website does, so that neither fails with a deadlock", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const webhooks = yield* Webhooks
      const site = yield* Delivery.newSite
      const { webhook } = yield* Delivery.newWebhook(site, url)
      const erasure = yield* Locks.openTransaction(
        sql,
        sql`SELECT FROM site WHERE website_config_id = ${PgTypes.uuid(site)} FOR UPDATE`
      )
      const deletion = yield* Effect.forkChild(webhooks.delete(site, webhook.webhookId))
      yield* Locks.untilAwaited(sql)
      yield* sql`SELECT FROM webhook WHERE webhook_id = ${PgTypes.uuid(webhook.webhookId)} FOR UPDATE NOWAIT`
      yield* erasure.commit
      assert.isTrue(yield* Fiber.join(deletion))
    }).pipe(Effect.provide(Delivery.postgres))
  )
})

describe("delivery/postgres: a submission that is deleted right after its release", () => {
  it.live("leaves no data in a delivery, although a fan-out runs before the deletion ends", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* Delivery.newSite
      const { webhook } = yield* Delivery.newWebhook(site, url)
      const submissionId = yield* submit(site, { status: "quarantined", reasons: ["links"] })
      yield* Delivery.fanOutAll
      const [id, subject] = [PgTypes.uuid(submissionId), PgTypes.text(submissionId)]
      const release = yield* Locks.openTransaction(
        sql,
        Effect.andThen(
          sql`UPDATE submission SET status = 'accepted' WHERE submission_id = ${id}`,
          sql`INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
            VALUES (gen_random_uuid(), ${PgTypes.uuid(site)}, 'submission.released', now(), ${subject})`
        )
      )
      // Keeps the deletion from its commit.
      const delivery = yield* Locks.openTransaction(
        sql,
        sql`SELECT FROM delivery WHERE subject = ${subject} FOR UPDATE`
      )
      const deletion = yield* Effect.forkChild(remove(site, submissionId))
      yield* Locks.untilAwaited(sql)
      yield* release.commit
      yield* untilWaiting(sql, "SELECT FROM delivery")
      yield* Delivery.fanOutAll
      yield* delivery.commit
      assert.isTrue(yield* Fiber.join(deletion))
      yield* Delivery.fanOutAll
      assert.deepStrictEqual(yield* deliveriesOf(webhook.webhookId), [
        { type: "submission.deleted", status: "pending", hasPayload: true },
        { type: "submission.quarantined", status: "cancelled", hasPayload: false }
      ])
    }).pipe(Effect.provide(Delivery.postgres))
  )
})

describe("delivery/postgres: a submission that is deleted while the fan-out of its mark as spam runs", () => {
  it.live("leaves no data in a delivery", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* Delivery.newSite
      const { webhook } = yield* Delivery.newWebhook(site, url)
      const submissionId = yield* submit(site)
      yield* Delivery.fanOutAll
      yield* (yield* Inbox).markSpam(site, [submissionId])
      const fanOut = yield* Locks.openTransaction(sql, FanOut.run(sql, Option.none(), Option.none()))
      const deletion = yield* Effect.forkChild(remove(site, submissionId))
      yield* Effect.raceFirst(Locks.untilAwaited(sql), Fiber.await(deletion))
      yield* fanOut.commit
      assert.isTrue(yield* Fiber.join(deletion))
      assert.deepStrictEqual(yield* deliveriesOf(webhook.webhookId), [
        { type: "submission.accepted", status: "cancelled", hasPayload: false },
        { type: "submission.quarantined", status: "cancelled", hasPayload: false }
      ])
    }).pipe(Effect.provide(Delivery.postgres))
  )
})

/** A client that records the failures of its transactions. */
const recordingFailures = (sql: PgClient.PgClient) => {
  const failures: Array<unknown> = []
  const withTransaction: typeof sql.withTransaction = (effect) =>
    Effect.tapCause(sql.withTransaction(effect), (cause) => Effect.sync(() => failures.push(cause)))
  const client = new Proxy(sql, {
    get: (target, name) => (name === "withTransaction" ? withTransaction : Reflect.get(target, name))
  })
  return { client, failures }
}

describe("delivery/postgres: settlements", () => {
  it.live("two processes that disable a webhook at the same time do not deadlock", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { client, failures } = recordingFailures(sql)
      const { webhook } = yield* withDeliveries(2)
      const leased = yield* Delivery.leaseOf(webhook)
      assert.lengthOf(leased, 2)
      const held = yield* Locks.openTransaction(
        sql,
        sql`SELECT FROM webhook WHERE webhook_id = ${PgTypes.uuid(webhook.webhookId)} FOR UPDATE`
      )
      const settle = Effect.fnUntraced(function* (one: Leased) {
        const settleOne = yield* Leases.settle(client, "20 seconds")
        const now = yield* Clock.currentTimeMillis
        yield* settleOne(one, {
          attempt: { attemptedAt: now, status: 410, millis: 1, answer: null, error: null },
          next: { status: "failed" },
          affectsHealth: true
        })
      }, Effect.scoped)
      const settling = yield* Effect.forEach(leased, (one) => Effect.forkChild(settle(one)))
      yield* Locks.untilAwaited(sql, 2)
      yield* held.commit
      yield* Effect.forEach(settling, Fiber.join)
      assert.deepStrictEqual(failures, [])
    }).pipe(Effect.provide(Delivery.postgres))
  )
})

describe("delivery/postgres: changes of several deliveries", () => {
  it.live("lock them in the order of their ids, so that they cannot deadlock", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { site, webhook } = yield* withDeliveries(3)
      const leased = (yield* Delivery.leaseOf(webhook)).toSorted((left, right) =>
        left.eventId < right.eventId ? -1 : 1
      )
      const [first, second, third] = [leased[0]!, leased[1]!, leased[2]!]
      const ids = leased.map(({ eventId }) => SubmissionId.make(eventId))
      const inbox = yield* Inbox
      // While the outcome of the third is recorded, those of the others wait, and are then recorded by one statement.
      const settled = Effect.forEach(
        [third, second, first],
        (one) => Delivery.settle(one, { status: 200, next: { status: "delivered" } }),
        { concurrency: "unbounded", discard: true }
      )
      for (const change of [settled, inbox.delete(site, ids)]) {
        // Now the first is the last one in the table.
        yield* sql`UPDATE delivery SET attempts = attempts WHERE event_id = ${PgTypes.uuid(first.eventId)}`
        const holder = yield* Locks.openTransaction(
          sql,
          sql`SELECT FROM delivery WHERE event_id = ${PgTypes.uuid(first.eventId)} FOR UPDATE`
        )
        const changing = yield* Effect.forkChild(change)
        yield* Locks.untilAwaited(sql)
        yield* sql`SELECT FROM delivery WHERE event_id = ${PgTypes.uuid(second.eventId)} FOR UPDATE NOWAIT`
        yield* holder.commit
        yield* Fiber.join(changing)
      }
      const all = yield* Delivery.deliveriesOf(webhook)
      assert.deepStrictEqual(all.map(({ status, type }) => `${type} ${status}`).sort(), [
        "submission.accepted delivered",
        "submission.accepted delivered",
        "submission.accepted delivered"
      ])
    }).pipe(Effect.provide(Delivery.postgresOn().pipe(Layer.provideMerge(TestClient.layer))))
  )
})
