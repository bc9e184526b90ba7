/**
 * Leases the due deliveries of webhooks, and records the outcomes of attempts.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { type Duration, Effect, Result, Schema } from "effect"
import * as Batches from "../../platform/batch/Batches.ts"
import { EventId } from "../../platform/Id.ts"
import * as Schedule from "../../platform/outward/Schedule.ts"
import { leaseMillis } from "../../platform/outward/Schedule.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeColumn, decodeRows } from "../../platform/runtime/Rows.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import type { Leased, Settled, Settlement } from "../Delivery.ts"
import * as ProblemMail from "../mail/ProblemMail.ts"
import * as MailFanOut from "../mail/postgres/MailFanOut.ts"
import * as Slots from "../Slots.ts"
import type { Receiver } from "../Webhook.ts"
import * as Rows from "./Webhooks.ts"

const Due = Schema.Array(
  Schema.Struct({
    eventId: Schema.String,
    webhookId: Schema.String,
    isFailing: Schema.Boolean,
    dueAt: Schema.Finite
  })
)

/**
 * The due deliveries of each webhook: as many as its slots allow, and one more, which shows that others wait. `subscriber`
 * finds the subscribers that have pending deliveries, with one index probe each, so that other webhooks cost nothing. Websites
 * whose deletion has begun are skipped.
 */
const dueStatement = `WITH RECURSIVE subscriber AS (
    (SELECT subscriber_id FROM delivery WHERE status = 'pending' ORDER BY subscriber_id LIMIT 1)
    UNION ALL
    SELECT (
      SELECT subscriber_id FROM delivery WHERE status = 'pending' AND subscriber_id > subscriber.subscriber_id
      ORDER BY subscriber_id LIMIT 1
    ) FROM subscriber WHERE subscriber_id IS NOT NULL
  ), running AS (SELECT * FROM unnest($1::uuid[], $2::integer[]) AS running (webhook_id, count))
  SELECT event_id AS "eventId", webhook_id AS "webhookId", failing_since IS NOT NULL AS "isFailing",
    ${Times.millisAs("next_attempt_at", "dueAt")}
  FROM subscriber JOIN webhook ON webhook_id = subscriber_id JOIN site USING (website_config_id)
  LEFT JOIN running USING (webhook_id) CROSS JOIN LATERAL (
    SELECT event_id, next_attempt_at FROM delivery
    WHERE subscriber_id = webhook_id AND status = 'pending' AND next_attempt_at <= now() ORDER BY next_attempt_at
    LIMIT greatest(0, CASE WHEN failing_since IS NULL THEN $3::integer ELSE $4::integer END - coalesce(running.count, 0)) + 1
  ) AS due WHERE disabled_at IS NULL AND deleted_at IS NULL`

/**
 * Limits a statement to the deliveries whose ids are in the relation `named`, and that did not end. Finds each by the primary key. With
 * the stale statistics of a table that changes fast, the planner would otherwise read all pending deliveries, which may have
 * accumulated for weeks. The condition on the status differs from that of `delivery_due`, so that this index cannot be used.
 */
const isNamedAndOpen = `delivery.ctid = ANY (ARRAY(
      SELECT place FROM named CROSS JOIN LATERAL (
        SELECT ctid AS place, subscriber_id FROM delivery WHERE delivery.event_id = named.event_id OFFSET 0
      ) AS of_event WHERE of_event.subscriber_id = named.subscriber_id
    )) AND delivery.status NOT IN ('delivered', 'failed')`

/**
 * Leases the chosen deliveries that no other process has leased meanwhile. `next_attempt_at` becomes the end of the lease, so
 * that a delivery is due again if the process dies. Omits websites whose deletion has begun meanwhile.
 */
const leaseStatement = `WITH named AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS chosen (event_id, subscriber_id)
  ), due AS (
    SELECT ctid AS place FROM delivery
    WHERE ${isNamedAndOpen} AND status <> 'cancelled' AND next_attempt_at <= now() FOR UPDATE SKIP LOCKED
  ), leased AS (
    UPDATE delivery SET attempts = attempts + 1, generation = generation + 1,
      next_attempt_at = now() + interval '${leaseMillis} milliseconds'
    WHERE ctid = ANY (ARRAY(SELECT place FROM due))
    RETURNING event_id, subscriber_id, payload::text AS payload, attempts, generation
  )
  SELECT event_id, payload, attempts, generation, ${Rows.receiverColumns}, ${Rows.secretColumns}
  FROM leased JOIN webhook ON webhook_id = subscriber_id JOIN site USING (website_config_id) WHERE deleted_at IS NULL`

const LeasedRows = Schema.Array(
  Schema.Struct({
    event_id: EventId,
    payload: Schema.String,
    attempts: Schema.Int,
    generation: Schema.Int,
    ...Rows.receiverFields,
    ...Rows.secretFields
  })
)

/** Leases due deliveries, as `Deliveries.lease` does. */
export const lease = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  key: Uint8Array,
  freeSlots: Slots.FreeSlots,
  running: ReadonlyMap<string, number>
) {
  if (freeSlots.free === 0) return { leased: [], waiting: new Set<string>() }
  const due = yield* sql
    .unsafe(dueStatement, [
      Database.uuids([...running.keys()]),
      Database.int4s([...running.values()]),
      PgTypes.int4(freeSlots.perHealthy),
      PgTypes.int4(freeSlots.perFailing)
    ])
    .pipe(decodeRows(Due))
  const chosen = Slots.choose(due, freeSlots, running)
  const waiting = Slots.waiting(due, chosen)
  if (chosen.length === 0) return { leased: [], waiting }
  const rows = yield* sql
    .unsafe(
      leaseStatement,
      [chosen.map(({ eventId }) => eventId), chosen.map(({ webhookId }) => webhookId)].map((ids) => Database.uuids(ids))
    )
    .pipe(decodeRows(LeasedRows))
  const leased = rows.map(
    (row): Leased => ({
      eventId: row.event_id,
      payload: row.payload,
      attempt: row.attempts,
      generation: row.generation,
      webhook: Rows.toReceiver(row),
      secrets: Rows.open(key, row)
    })
  )
  return { leased, waiting }
})

/** An attempt as `recordStatement` reads it. */
const rowOf = ({ attempt: number, eventId, generation, webhook }: Leased, { attempt, next }: Settlement) => ({
  event_id: eventId,
  subscriber_id: webhook.webhookId,
  number,
  generation,
  next_status: next.status,
  due: next.status === "pending" ? new Date(next.nextAttemptAt).toISOString() : null,
  attempted_at: new Date(attempt.attemptedAt).toISOString(),
  answer_status: attempt.status,
  millis: attempt.millis,
  answer: attempt.answer,
  error: attempt.error
})

/**
 * Records attempts, except those whose delivery was leased again or retried manually meanwhile. Also compares the number of
 * attempts, since processes of an earlier version count no generations. The outcome of a delivery that was cancelled meanwhile is
 * recorded too, so that it is not sent again if its submission is restored. Locks the deliveries in the order of their ids, as `Outbox`
 * does. Returns the ids of the attempts that it recorded. A
 * repeated statement changes nothing.
 */
const recordStatement = `WITH named AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS given (event_id uuid, subscriber_id uuid, number integer,
      generation integer, next_status text, due timestamptz, attempted_at timestamptz, answer_status integer, millis integer,
      answer text, error text)
  ), held AS MATERIALIZED (
    SELECT ctid AS place FROM delivery WHERE ${isNamedAndOpen} ORDER BY event_id, subscriber_id FOR NO KEY UPDATE
  ), recorded AS (
    UPDATE delivery SET next_attempt_at = due,
      status = CASE WHEN delivery.status = 'cancelled' AND next_status = 'pending' THEN 'cancelled' ELSE next_status END
    FROM named WHERE delivery.ctid = ANY (ARRAY(SELECT place FROM held)) AND delivery.event_id = named.event_id AND delivery.subscriber_id = named.subscriber_id
      AND attempts = number AND delivery.generation = named.generation
    RETURNING delivery.event_id, delivery.subscriber_id, delivery.generation, payload IS NOT NULL AS has_payload
  ), attempt AS (
    INSERT INTO delivery_attempt (event_id, subscriber_id, attempted_at, status, millis, answer, error)
    SELECT event_id, subscriber_id, attempted_at, answer_status, millis, CASE WHEN has_payload THEN answer END, error
    FROM recorded JOIN named USING (event_id, subscriber_id, generation)
  )
  SELECT event_id AS "eventId", subscriber_id AS "webhookId", generation FROM recorded`

const Recorded = Schema.Array(
  Schema.Struct({ eventId: Schema.String, webhookId: Schema.String, generation: Schema.Int })
)

type Attempted = readonly [leased: Leased, settlement: Settlement]

/** Runs `recordStatement`, and returns the attempts that it recorded. */
const recordOnce = Effect.fnUntraced(function* (sql: PgClient.PgClient, attempted: ReadonlyArray<Attempted>) {
  const rows = yield* sql
    .unsafe(recordStatement, [
      PgTypes.text(JSON.stringify(attempted.map(([leased, settlement]) => rowOf(leased, settlement))))
    ])
    .pipe(decodeRows(Recorded))
  const idOf = (eventId: string, webhookId: string, generation: number) => `${webhookId} ${eventId} ${generation}`
  const recorded = new Set(rows.map(({ eventId, generation, webhookId }) => idOf(eventId, webhookId, generation)))
  return new Set(
    attempted.filter(([{ eventId, generation, webhook }]) => recorded.has(idOf(eventId, webhook.webhookId, generation)))
  )
})

/**
 * Records attempts, and returns those that it recorded, in the given order. A statement that finds a delivery by its place does not see
 * it any more after it waited for another change of the delivery, such as its cancellation. So what is not recorded is tried again.
 */
const record = Effect.fnUntraced(function* (sql: PgClient.PgClient, attempted: ReadonlyArray<Attempted>) {
  const first = yield* recordOnce(sql, attempted)
  const missing = attempted.filter((one) => !first.has(one))
  if (missing.length === 0) return attempted
  const second = yield* recordOnce(sql, missing)
  return attempted.filter((one) => first.has(one) || second.has(one))
})

/** Whether an attempt may change its webhook's health. */
const mayChangeHealth = ([{ webhook }, { affectsHealth, attempt }]: Attempted): boolean =>
  affectsHealth && !(Schedule.isDelivered(attempt) && webhook.failingSince === null)

const Locked = Schema.Array(Schema.Struct(Rows.receiverFields))

const lockStatement = `SELECT ${Rows.receiverColumns} FROM webhook WHERE webhook_id = ANY ($1)
  ORDER BY webhook_id FOR NO KEY UPDATE`

/** Those of the webhooks `$1` that have a pending delivery. */
const pendingStatement = `SELECT webhook_id FROM unnest($1::uuid[]) AS given (webhook_id)
  WHERE EXISTS (SELECT FROM delivery WHERE subscriber_id = webhook_id AND status = 'pending')`

/** Sets the health of a webhook. If that disables it, makes a mail for each recipient of its website. */
const setHealth = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  webhook: Receiver,
  health: Schedule.Health,
  status: number | null
) {
  const { disabledAt, failedAgainAt, failingSince } = health
  yield* sql`UPDATE webhook SET failing_since = ${PgTypes.timestamptz(failingSince)},
      failed_again_at = ${PgTypes.timestamptz(failedAgainAt)}, disabled_at = ${PgTypes.timestamptz(disabledAt)}
    WHERE webhook_id = ${PgTypes.uuid(webhook.webhookId)}`
  if (disabledAt === null || webhook.disabledAt !== null) return
  yield* MailFanOut.webhookDisabled(sql, webhook.websiteConfigId, ProblemMail.disabledWebhook(webhook, status))
})

/**
 * Records attempts with the health of their webhooks. Locks the webhooks first, in the order of their ids, as other changes of a
 * webhook lock it before its deliveries. Otherwise, two processes that record attempts of the same webhooks would deadlock. Needs
 * a transaction.
 */
const recordWithHealth = Effect.fnUntraced(function* (sql: PgClient.PgClient, attempted: ReadonlyArray<Attempted>) {
  const idsOf = (all: ReadonlyArray<Attempted>) =>
    Database.uuids([...new Set(all.map(([{ webhook }]) => webhook.webhookId))])
  const locked = yield* sql.unsafe(lockStatement, [idsOf(attempted)]).pipe(decodeRows(Locked))
  const webhooks = new Map<string, Receiver>(locked.map((row) => [row.webhookId, row]))
  const recorded = yield* record(sql, attempted)
  const givenUp = recorded.filter(([, { next }]) => next.status === "failed")
  const pending =
    givenUp.length === 0 ? [] : yield* sql.unsafe(pendingStatement, [idsOf(givenUp)]).pipe(decodeColumn(Schema.String))
  const withPending = new Set(pending)
  const settled = new Map<Attempted, Settled>()
  for (const one of recorded) {
    const [{ webhook: before }, { affectsHealth, attempt, next }] = one
    const webhook = webhooks.get(before.webhookId)
    if (webhook === undefined || webhook.url !== before.url || !affectsHealth) continue
    const health = Schedule.healthAfter(webhook, {
      status: attempt.status,
      at: attempt.attemptedAt + attempt.millis,
      isLast: next.status === "failed" && !withPending.has(webhook.webhookId)
    })
    const hasChanged =
      health.failingSince !== webhook.failingSince ||
      health.failedAgainAt !== webhook.failedAgainAt ||
      health.disabledAt !== webhook.disabledAt
    if (hasChanged) yield* setHealth(sql, webhook, health, attempt.status)
    webhooks.set(webhook.webhookId, { ...webhook, ...health })
    settled.set(one, { health, hasDisabled: health.disabledAt !== null && webhook.disabledAt === null })
  }
  return settled
})

/** The maximum number of attempts that one statement records, and of attempts that wait to be recorded. */
const bounds = { maxBatch: 200, maxQueue: 10_000 } as const

/**
 * Makes `Deliveries.settle`. Attempts that end at the same time are recorded by one statement, and in one transaction if some may
 * change the health of their webhooks.
 */
export const settle = Effect.fnUntraced(function* (sql: PgClient.PgClient, timeout: Duration.Input) {
  const recordAll = (attempted: ReadonlyArray<Attempted>) =>
    attempted.some(mayChangeHealth)
      ? recordWithHealth(sql, attempted).pipe(sql.withTransaction)
      : Effect.as(record(sql, attempted), new Map<Attempted, Settled>())
  const { submit } = yield* Batches.make<Attempted, Settled, never>("deliveries", {
    flush: (attempted) =>
      recordAll(attempted).pipe(
        Effect.map((settled) =>
          attempted.map((one) => Result.succeed(settled.get(one) ?? { health: one[0].webhook, hasDisabled: false }))
        ),
        Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error)))
      ),
    timeout,
    ...bounds
  })
  const { wake, wakeAt } = yield* Rounds.Wakeups
  return (leased: Leased, settlement: Settlement): Effect.Effect<Settled, StorageUnavailable> =>
    submit([leased, settlement]).pipe(
      Effect.catchTag("RecordRefused", Effect.die),
      Effect.tap(({ hasDisabled }) =>
        Effect.sync(() => {
          if (settlement.next.status === "pending") wakeAt("deliveries", settlement.next.nextAttemptAt)
          // The recipients of the website get a mail.
          if (hasDisabled) wake("mails")
        })
      )
    )
})
