import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Logger, Option, Stream } from "effect"
import { Deliveries } from "../../../src/delivery/Delivery.ts"
import * as FanOut from "../../../src/delivery/postgres/FanOut.ts"
import * as Leases from "../../../src/delivery/postgres/Leases.ts"
import { storeBatch } from "../../../src/forms/postgres/SubmissionRepo.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Columns from "../../../src/platform/postgres/Columns.ts"
import type { Position } from "../../../src/platform/text/Cursor.ts"
import { suite } from "../../suites/Deliveries.ts"
import * as Delivery from "../../support/Delivery.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import { withDeliveries } from "../../support/StoredDeliveries.ts"
import * as SubmissionDraft from "../../support/SubmissionDraft.ts"
import { remove } from "../../support/TestSubmissions.ts"

suite("delivery/postgres/Deliveries", Delivery.postgres)

describe("delivery/postgres/Deliveries: the outbox of submissions", () => {
  it.live("submissions of one batch and type share an outbox row, and each has an event with its own id and time", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [site, other] = [yield* Delivery.newSite, yield* Delivery.newSite]
      const { webhook } = yield* Delivery.newWebhook(site, "https://a.example")
      yield* Delivery.newWebhook(other, "https://b.example")
      const drafts = [
        ...[1, 2, 3].map((receivedAt) => SubmissionDraft.make(site, { receivedAt })),
        SubmissionDraft.make(site, { receivedAt: 4, status: "quarantined", reasons: ["links"] }),
        SubmissionDraft.make(other, { receivedAt: 5 })
      ]
      const batches = yield* Columns.client
      // The second run, as after a lost connection, changes nothing.
      for (let run = 0; run < 2; run++) yield* storeBatch(batches, drafts)
      const rows = yield* sql`SELECT type, cardinality(submission_ids) AS size FROM submission_outbox
        WHERE website_config_id = ${site} ORDER BY size`
      assert.deepStrictEqual(rows, [
        { type: "submission.quarantined", size: 1 },
        { type: "submission.accepted", size: 3 }
      ])
      yield* Delivery.fanOutAll
      const delivered = yield* Delivery.deliveriesOf(webhook)
      assert.sameDeepMembers(
        delivered.map(({ created_at, event_id }) => [String(event_id), Date.parse(created_at)]),
        drafts.slice(0, 4).map(({ receivedAt, submissionId }) => [String(submissionId), receivedAt])
      )
    }).pipe(Effect.provide(Delivery.postgres))
  )

  it.live("a submission that is deleted during the fan-out of its event leaves no data in the delivery", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const repo = yield* SubmissionRepo
      const site = yield* Delivery.newSite
      const { webhook } = yield* Delivery.newWebhook(site, "https://a.example")
      const submissionId = yield* repo.submit(SubmissionDraft.make(site))
      const fanOut = yield* Locks.openTransaction(sql, FanOut.run(sql, Option.none(), Option.none()))
      const deletion = yield* Effect.forkChild(remove(site, submissionId))
      yield* Locks.untilAwaited(sql)
      yield* fanOut.commit
      assert.isTrue(yield* Fiber.join(deletion))
      const rows = yield* sql`SELECT status, payload FROM delivery WHERE subscriber_id = ${webhook.webhookId}`
      assert.deepStrictEqual(rows, [{ status: "cancelled", payload: null }])
    }).pipe(Effect.provide(Delivery.postgres))
  )
})

describe("delivery/postgres/Deliveries: websites whose deletion has begun", () => {
  const submit = (site: WebsiteConfigId) => SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site)))

  /** Marks a website as being deleted, as an erasure does first. */
  const beginDeletion = (site: WebsiteConfigId) =>
    PgClient.PgClient.use((sql) => sql`UPDATE site SET deleted_at = now() WHERE website_config_id = ${site}`)

  it.live("their events create no deliveries, and the events of other websites do", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* Delivery.newSite, yield* Delivery.newSite]
      const [erasedWebhook, otherWebhook] = [
        (yield* Delivery.newWebhook(site, "https://a.example")).webhook,
        (yield* Delivery.newWebhook(other, "https://b.example")).webhook
      ]
      yield* submit(site)
      yield* submit(other)
      yield* beginDeletion(site)
      yield* Delivery.fanOutAll
      assert.lengthOf(yield* Delivery.deliveriesOf(erasedWebhook), 0)
      assert.lengthOf(yield* Delivery.deliveriesOf(otherWebhook), 1)
    }).pipe(Effect.provide(Delivery.postgres))
  )

  it.live("their deliveries are not leased, and the deliveries of other websites are", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* Delivery.newSite, yield* Delivery.newSite]
      const [erasedWebhook, otherWebhook] = [
        (yield* Delivery.newWebhook(site, "https://a.example")).webhook,
        (yield* Delivery.newWebhook(other, "https://b.example")).webhook
      ]
      yield* submit(site)
      yield* submit(other)
      yield* Delivery.fanOutAll
      yield* beginDeletion(site)
      const { leased } = yield* Deliveries.use((deliveries) => deliveries.lease(Delivery.freeSlots, new Map()))
      assert.deepStrictEqual(
        leased.map(({ webhook }) => webhook.webhookId),
        [otherWebhook.webhookId]
      )
      assert.deepStrictEqual(
        (yield* Delivery.deliveriesOf(erasedWebhook)).map(({ attempts, status }) => [status, attempts]),
        [["pending", 0]]
      )
    }).pipe(Effect.provide(Delivery.postgres))
  )
})

describe("delivery/postgres/Deliveries: a receiver that is down", () => {
  it.live(
    "a fan-out, a lease and a settlement read few of its pending deliveries, even without planner statistics",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const site = yield* Delivery.newSite
        const pending = 3_000
        const { webhook: down } = yield* Delivery.newWebhook(site, "https://down.example")
        yield* sql`INSERT INTO delivery (event_id, subscriber_id, website_config_id, type, created_at, payload, next_attempt_at)
        SELECT gen_random_uuid(), ${PgTypes.uuid(down.webhookId)}, ${PgTypes.uuid(site)}, 'submission.accepted', now(), '{}', now()
        FROM generate_series(1, ${sql.literal(String(pending))})`
        const { webhook } = yield* Delivery.newWebhook(site, "https://well.example")
        yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site)))
        /** Asserts that the transaction has read few deliveries so far. */
        const assertFewRowsRead = Effect.gen(function* () {
          const [row] = yield* sql`SELECT (seq_tup_read + idx_tup_fetch)::int AS read FROM pg_stat_xact_user_tables
            WHERE relname = 'delivery'`
          assert.isAtMost(Number(row?.["read"]), 100)
        })
        yield* FanOut.run(sql, Option.none(), Option.none()).pipe(
          Effect.tap(({ events }) => Effect.sync(() => assert.strictEqual(events, 1))),
          Effect.andThen(assertFewRowsRead),
          sql.withTransaction
        )
        yield* Effect.gen(function* () {
          const settle = yield* Leases.settle(sql, "20 seconds")
          const running = new Map([[down.webhookId, Delivery.freeSlots.perHealthy - 1]])
          const { leased } = yield* Leases.lease(sql, new Uint8Array(32), Delivery.freeSlots, running)
          assert.sameMembers(
            leased.map((one) => one.webhook.webhookId),
            [down.webhookId, webhook.webhookId]
          )
          const attemptedAt = yield* Clock.currentTimeMillis
          yield* Effect.forEach(leased, (one) =>
            settle(one, {
              attempt: { attemptedAt, status: 204, millis: 1, answer: "", error: null },
              next: { status: "delivered" },
              affectsHealth: true
            })
          )
          yield* assertFewRowsRead
        }).pipe(Effect.scoped, sql.withTransaction)
        const delivered = yield* sql`SELECT 1 FROM delivery WHERE status = 'delivered'`
        assert.lengthOf(delivered, 2)
      }).pipe(Effect.provide(Delivery.postgres))
  )
})

describe("delivery/postgres/Deliveries: a replay that fails", () => {
  it.live("is logged and tried again later, and the replays of other webhooks continue", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { continueReplays, replay } = yield* Deliveries
      const stored = [yield* withDeliveries(1), yield* withDeliveries(1), yield* withDeliveries(1)]
      const webhookIds = stored.map(({ webhook }) => webhook.webhookId)
      yield* sql`UPDATE delivery SET status = 'failed', next_attempt_at = NULL`
      for (const webhookId of webhookIds) assert.strictEqual(yield* replay({ webhookId, since: 0 }), 1)
      const faulty = webhookIds.slice(0, 2)
      yield* sql`CREATE FUNCTION refuse_delivery() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'`
      yield* sql.unsafe(`CREATE TRIGGER refuse_delivery BEFORE UPDATE ON delivery FOR EACH ROW
        WHEN (OLD.subscriber_id IN ('${faulty.join("', '")}')) EXECUTE FUNCTION refuse_delivery()`)
      const lines: Array<string> = []
      const logger = Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))])
      const round = Effect.provide(continueReplays, logger)
      assert.strictEqual(yield* round, 1)
      assert.lengthOf(lines, 2)
      for (const webhookId of faulty) {
        assert.lengthOf(
          lines.filter((line) => line.includes("level=WARN") && line.includes(webhookId)),
          1
        )
      }
      yield* sql`DROP TRIGGER refuse_delivery ON delivery`
      assert.strictEqual(yield* round, 0)
      const clock = yield* Clock.Clock
      const later = (yield* Clock.currentTimeMillis) + 60_000
      const laterClock: Clock.Clock = Object.create(clock, { currentTimeMillis: { value: Effect.succeed(later) } })
      assert.strictEqual(yield* Effect.provideService(round, Clock.Clock, laterClock), 2)
      assert.lengthOf(lines, 2)
    }).pipe(Effect.provide(Delivery.postgres))
  )
})

it.live("delivery/postgres/Deliveries: a list has each delivery once, also those stored in one microsecond", () =>
  Effect.gen(function* () {
    const [deliveries, sql] = [yield* Deliveries, yield* PgClient.PgClient]
    const { webhook } = yield* withDeliveries(3)
    const webhookId = webhook.webhookId
    yield* sql`UPDATE delivery SET created_at = date_trunc('second', created_at) + interval '500 microseconds'
      WHERE subscriber_id = ${webhookId}`
    const listed = yield* Stream.runCollect(
      Stream.paginate(null as Position | null, (after) =>
        Effect.map(deliveries.list({ webhookId, after, limit: 1 }), ({ items, next }) => [
          items.map(({ event_id }) => event_id),
          Option.fromNullishOr(next)
        ])
      )
    )
    assert.lengthOf(listed, 3)
    assert.deepStrictEqual(listed, listed.toSorted().toReversed())
  }).pipe(Effect.provide(Delivery.postgres))
)
