/**
 * Leases the due deliveries of webhooks, and records what came of an attempt.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import * as Slots from "../../core/delivery/Slots.ts"
import { type Leased, leaseMillis, type Webhook } from "../../core/delivery/Webhook.ts"
import * as WebhookMail from "../../core/mail/WebhookMail.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import type { Settlement } from "../../services/delivery/Deliveries.ts"
import * as Database from "../Database.ts"
import * as MailFanOut from "../mail/MailFanOut.ts"
import * as Rows from "./WebhookRows.ts"

const Due = Schema.Array(
  Schema.Struct({
    eventId: Schema.String,
    webhookId: Schema.String,
    isFailing: Schema.Boolean,
    dueAt: Schema.Finite
  })
)

/**
 * What is due of each webhook, at most what its slots allow. The first part finds the subscribers with pending deliveries,
 * one index probe each, so that webhooks without cost nothing.
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
    ${Rows.millis("next_attempt_at", "dueAt")}
  FROM subscriber JOIN webhook ON webhook_id = subscriber_id LEFT JOIN running USING (webhook_id) CROSS JOIN LATERAL (
    SELECT event_id, next_attempt_at FROM delivery
    WHERE subscriber_id = webhook_id AND status = 'pending' AND next_attempt_at <= now() ORDER BY next_attempt_at
    LIMIT greatest(0, CASE WHEN failing_since IS NULL THEN $3::integer ELSE $4::integer END - coalesce(running.count, 0))
  ) AS due WHERE disabled_at IS NULL`

/**
 * Leases the chosen deliveries that no other process has leased meanwhile. Moving `next_attempt_at` is the lease: if the
 * process dies, the delivery is due again when it ends.
 */
const leaseStatement = `WITH due AS (
    SELECT delivery.ctid AS place FROM unnest($1::uuid[], $2::uuid[]) AS chosen (event_id, subscriber_id)
    JOIN delivery USING (event_id, subscriber_id)
    WHERE status = 'pending' AND next_attempt_at <= now() FOR UPDATE OF delivery SKIP LOCKED
  ), leased AS (
    UPDATE delivery SET attempts = attempts + 1, generation = generation + 1,
      next_attempt_at = now() + interval '${leaseMillis} milliseconds'
    WHERE ctid = ANY (ARRAY(SELECT place FROM due))
    RETURNING event_id, subscriber_id, payload::text AS payload, attempts, generation
  )
  SELECT event_id, payload, attempts, generation, ${Rows.columns}, ${Rows.secretColumns}
  FROM leased JOIN webhook ON webhook_id = subscriber_id`

const LeasedRows = Schema.Array(
  Schema.Struct({
    event_id: Schema.String,
    payload: Schema.String,
    attempts: Schema.Int,
    generation: Schema.Int,
    ...Rows.fields,
    ...Rows.secretFields
  })
)

/** Leases due deliveries, as `Deliveries.lease` does. */
export const lease = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  key: Uint8Array,
  room: Slots.Room,
  running: ReadonlyMap<string, number>
) {
  if (room.free === 0) return []
  const due = yield* sql
    .unsafe(dueStatement, [
      Database.array([...running.keys()], PgTypes.OID.uuid),
      Database.array([...running.values()], PgTypes.OID.int4),
      PgTypes.int4(room.healthy),
      PgTypes.int4(room.failing)
    ])
    .pipe(decodeRows(Due))
  const chosen = Slots.choose(due, room, running)
  if (chosen.length === 0) return []
  const rows = yield* sql
    .unsafe(
      leaseStatement,
      [chosen.map(({ eventId }) => eventId), chosen.map(({ webhookId }) => webhookId)].map((ids) =>
        Database.array(ids, PgTypes.OID.uuid)
      )
    )
    .pipe(decodeRows(LeasedRows))
  return rows.map(
    (row): Leased => ({
      eventId: row.event_id,
      payload: row.payload,
      attempt: row.attempts,
      generation: row.generation,
      webhook: Rows.toWebhook(row),
      secrets: Rows.open(key, row)
    })
  )
})

/** Records an attempt, unless the delivery was leased or retried meanwhile: also by a process that does not count generations. */
const settleStatement = `WITH settled AS (
    UPDATE delivery SET status = $5, next_attempt_at = $6
    WHERE event_id = $1 AND subscriber_id = $2 AND attempts = $3 AND generation = $4 AND status = 'pending'
    RETURNING event_id, subscriber_id, payload
  ), attempt AS (
    INSERT INTO delivery_attempt (event_id, subscriber_id, attempted_at, status, millis, answer, error)
    SELECT event_id, subscriber_id, $7, $8, $9, CASE WHEN payload IS NOT NULL THEN $10::text END, $11 FROM settled
  )
  SELECT 1 FROM settled`

/** Only a webhook whose health changed is written to. */
const setHealth = (
  sql: PgClient.PgClient,
  before: Webhook,
  after: Settlement["health"],
  status: number | null
): Effect.Effect<unknown, SqlError.SqlError> => {
  const id = PgTypes.uuid(before.webhookId)
  if (before.failingSince === after.failingSince && before.disabledAt === after.disabledAt) return Effect.void
  if (after.failingSince === null) return sql`UPDATE webhook SET failing_since = NULL WHERE webhook_id = ${id}`
  const saved = sql`UPDATE webhook SET failing_since = coalesce(failing_since, ${PgTypes.timestamptz(after.failingSince)})
    WHERE webhook_id = ${id}`
  return after.disabledAt === null ? saved : Effect.andThen(saved, disable(sql, before, after.disabledAt, status))
}

/** Disables a webhook, cancels its pending deliveries and tells its website's recipients, unless it is disabled already. */
const disable = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  webhook: Webhook,
  disabledAt: number,
  status: number | null
) {
  const disabled = yield* sql`UPDATE webhook SET disabled_at = ${PgTypes.timestamptz(disabledAt)}
    WHERE webhook_id = ${PgTypes.uuid(webhook.webhookId)} AND disabled_at IS NULL RETURNING 1`
  if (disabled.length === 0) return
  yield* cancelPending(sql, webhook.webhookId)
  yield* MailFanOut.webhookDisabled(sql, webhook.websiteConfigId, WebhookMail.disabled(webhook, status))
})

/** Cancels the pending deliveries of a webhook. */
export const cancelPending = (sql: PgClient.PgClient, webhookId: string): Effect.Effect<unknown, SqlError.SqlError> =>
  sql`UPDATE delivery SET status = 'cancelled', next_attempt_at = NULL
    WHERE subscriber_id = ${PgTypes.uuid(webhookId)} AND status = 'pending'`

/** Records an attempt, as `Deliveries.settle` does. Needs a transaction. */
export const settle = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  { attempt: number, eventId, generation, webhook }: Leased,
  { attempt, health, next }: Settlement
) {
  const settled = yield* sql.unsafe(settleStatement, [
    PgTypes.uuid(eventId),
    PgTypes.uuid(webhook.webhookId),
    PgTypes.int4(number),
    PgTypes.int4(generation),
    PgTypes.text(next.status),
    PgTypes.timestamptz(next.status === "pending" ? next.nextAttemptAt : null),
    PgTypes.timestamptz(attempt.attemptedAt),
    PgTypes.int4(attempt.status),
    PgTypes.int4(attempt.millis),
    PgTypes.text(attempt.answer),
    PgTypes.text(attempt.error)
  ])
  if (settled.length > 0) yield* setHealth(sql, webhook, health, attempt.status)
})
