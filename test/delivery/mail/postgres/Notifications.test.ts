import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Notifications } from "../../../../src/delivery/mail/Notification.ts"
import { suite } from "../../../suites/Notifications.ts"
import * as Delivery from "../../../support/Delivery.ts"
import * as Locks from "../../../support/postgres/Locks.ts"

suite("delivery/mail/postgres/Notifications", Delivery.postgres)

it.live(
  "delivery/mail/postgres/Notifications: an address that confirms during an addition confirms the new notification too",
  () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const notifications = yield* Notifications
      const websiteConfigId = yield* Delivery.newSite
      const recipient = "ada@example.com"
      yield* notifications.addByOwner(websiteConfigId, { to: recipient })
      // As `addByOwner`, which locks the website before it checks whether the address has confirmed.
      const site = PgTypes.uuid(websiteConfigId)
      const addition = yield* Locks.openTransaction(
        sql,
        Effect.andThen(
          sql`SELECT FROM site WHERE website_config_id = ${site} FOR NO KEY UPDATE`,
          sql`INSERT INTO notification (notification_id, website_config_id, recipient, kind, period, is_confirmed)
          VALUES (${PgTypes.uuid(randomUUID())}, ${site}, ${PgTypes.text(recipient)}, 'report', 'weekly', false)`
        )
      )
      const confirmation = yield* Effect.forkChild(notifications.confirm(websiteConfigId, (one) => one === recipient))
      // Either the confirmation waits for the addition, or it is done.
      yield* Effect.raceFirst(Locks.untilAwaited(sql), Fiber.await(confirmation))
      yield* addition.commit
      assert.isTrue(yield* Fiber.join(confirmation))
      const listed = yield* notifications.list(websiteConfigId)
      assert.deepStrictEqual(
        listed.map(({ confirmed }) => confirmed),
        [true, true]
      )
    }).pipe(Effect.provide(Delivery.postgres))
)

it.live("delivery/mail/postgres/Notifications: additions to one website leave connections to others", () =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const notifications = yield* Notifications
    const websiteConfigId = yield* Delivery.newSite
    const lock = yield* Locks.openTransaction(
      sql,
      sql`SELECT FROM site WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} FOR NO KEY UPDATE`
    )
    // More than the client has connections.
    const additions = yield* Effect.forkChild(
      Effect.forEach(
        Array.from({ length: 20 }, (_, index) => `ada${index}@example.com`),
        (to) => notifications.addByOwner(websiteConfigId, { to }),
        { concurrency: "unbounded" }
      )
    )
    yield* Locks.untilAwaited(sql)
    assert.deepStrictEqual(yield* notifications.list(yield* Delivery.newSite), [])
    yield* lock.commit
    const added = yield* Fiber.join(additions)
    assert.strictEqual(added[0]?._tag, "Added")
  }).pipe(Effect.provide(Delivery.postgres))
)
