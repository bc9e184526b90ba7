/** Steps of deliveries that fail in the middle: what they have changed is undone, and the next attempt of the step is complete. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Deliveries } from "../../../src/delivery/Delivery.ts"
import { Webhooks } from "../../../src/delivery/Webhook.ts"
import * as Delivery from "../../support/Delivery.ts"
import { only } from "../../support/Only.ts"
import { submit, withDeliveries } from "../../support/StoredDeliveries.ts"

/** Runs an effect while changes of a table fail, and makes what failed due again. */
const whileFailing = <A, E, R>(table: string, change: "INSERT" | "UPDATE OR DELETE", effect: Effect.Effect<A, E, R>) =>
  PgClient.PgClient.use((sql) =>
    Effect.gen(function* () {
      yield* sql`CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$`
      yield* sql`CREATE TRIGGER fail BEFORE ${sql.literal(change)} ON ${sql(table)} FOR EACH ROW EXECUTE FUNCTION fail()`
      const exit = yield* Effect.exit(effect)
      yield* sql`DROP TRIGGER fail ON ${sql(table)}`
      yield* sql`UPDATE failed_item SET retry_at = now() - interval '1 second'`
      return exit
    })
  )

/** The deliveries of a webhook, with how often each was attempted. */
const rowsOf = (webhookId: string) =>
  PgClient.PgClient.use(
    (sql) => sql`SELECT status, attempts, generation FROM delivery WHERE subscriber_id = ${PgTypes.uuid(webhookId)}`
  )

describe("delivery/postgres: steps that fail in the middle", () => {
  it.live("a fan-out that cannot store its deliveries keeps its events", () =>
    Effect.gen(function* () {
      const site = yield* Delivery.newSite
      const { webhook } = yield* Delivery.newWebhook(site, "https://hooks.example/")
      yield* submit(site)
      yield* whileFailing("delivery", "INSERT", Delivery.fanOutSome)
      assert.deepStrictEqual(yield* rowsOf(webhook.webhookId), [])
      yield* Delivery.fanOutAll
      assert.deepStrictEqual(yield* rowsOf(webhook.webhookId), [{ status: "pending", attempts: 0, generation: 0 }])
    }).pipe(Effect.provide(Delivery.postgres))
  )

  it.live("a step of a replay that cannot store its end makes no delivery due", () =>
    Effect.gen(function* () {
      const { continueReplays, replay } = yield* Deliveries
      const { webhook } = yield* withDeliveries(1)
      yield* Delivery.settle(only(yield* Delivery.leaseOf(webhook)), {
        status: 400,
        next: { status: "failed" },
        affectsHealth: false
      })
      const ended = yield* rowsOf(webhook.webhookId)
      assert.strictEqual(yield* replay({ webhookId: webhook.webhookId, since: 0, status: "failed" }), 1)
      yield* whileFailing("webhook_replay", "UPDATE OR DELETE", continueReplays)
      assert.deepStrictEqual(yield* rowsOf(webhook.webhookId), ended)
      assert.strictEqual(yield* continueReplays, 1)
      assert.lengthOf(yield* Delivery.leaseOf(webhook), 1)
    }).pipe(Effect.provide(Delivery.postgres))
  )

  it.live("an attempt whose webhook's health cannot be stored at first is recorded with it", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { webhook } = yield* withDeliveries(1)
      const leased = only(yield* Delivery.leaseOf(webhook))
      yield* sql`CREATE SEQUENCE times`
      yield* sql`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('times') = 1 THEN RAISE 'disk full'; END IF; RETURN NEW; END $$`
      yield* sql`CREATE TRIGGER fail BEFORE UPDATE ON webhook FOR EACH ROW EXECUTE FUNCTION fail()`
      yield* Delivery.settle(leased, { status: 410, next: { status: "failed" } })
      const [row] = yield* rowsOf(webhook.webhookId)
      assert.strictEqual(row?.["status"], "failed")
      const [stored] = yield* Webhooks.use((webhooks) => webhooks.list(webhook.websiteConfigId))
      assert.isNotNull(stored?.disabled_at ?? null)
    }).pipe(Effect.provide(Delivery.postgres))
  )
})
