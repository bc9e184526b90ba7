/**
 * The replays of webhooks in PostgreSQL: counts what a replay sends again, stores replays, and makes their deliveries due in
 * steps.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { WebhookId } from "../../platform/Id.ts"
import { leaseMillis } from "../../platform/outward/Schedule.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import * as Delivery from "../Delivery.ts"
import { deliveryStatuses, type ReplaySelection } from "../Delivery.ts"

/**
 * Whether a delivery is being attempted or due soon. A lease ends at most `leaseMillis` after its transaction began, which was
 * before `clock_timestamp()`.
 */
const isUnderWay = `(status = 'pending' AND next_attempt_at <= clock_timestamp() + interval '${leaseMillis} milliseconds')`

/** Whether a replay may send a delivery again, see `Delivery.replayStep`. */
const isReplayable = `payload IS NOT NULL AND status <> 'cancelled' AND NOT ${isUnderWay}`

const Count = Schema.Tuple([Schema.Struct({ count: Schema.Int })])

/** The number of deliveries that a replay sends again, at most `Delivery.maxReplayed`. The status is a literal, as in its index. */
export const count = (sql: PgClient.PgClient, { since, status, webhookId }: ReplaySelection) =>
  sql
    .unsafe(
      `SELECT count(*)::int AS count FROM (
        SELECT FROM delivery WHERE subscriber_id = $1 AND created_at >= $2
          AND ${status === undefined ? "true" : `status = '${status}'`} AND ${isReplayable}
        LIMIT ${Delivery.maxReplayed}
      ) AS selected`,
      [PgTypes.uuid(webhookId), PgTypes.timestamptz(since)]
    )
    .pipe(
      decodeRows(Count),
      Effect.map(([row]) => row.count)
    )

/**
 * Stores a replay, if it sends deliveries again, and returns their number, as `count` does. A replay of the same status that has
 * not ended becomes part of it.
 */
export const begin = Effect.fnUntraced(function* (sql: PgClient.PgClient, selection: ReplaySelection) {
  const selected = yield* count(sql, selection)
  if (selected === 0) return 0
  const { since, status = "all", webhookId } = selection
  const after = Delivery.replayStart(since)
  yield* sql`INSERT INTO webhook_replay (webhook_id, status, after_time, after_id, until)
    SELECT webhook_id, ${PgTypes.text(status)}, ${PgTypes.timestamptz(after.time)}, ${PgTypes.uuid(after.id)},
      (SELECT max(created_at) FROM delivery WHERE subscriber_id = webhook_id)
    FROM webhook WHERE webhook_id = ${PgTypes.uuid(webhookId)}
    ON CONFLICT (webhook_id, status) DO UPDATE SET until = excluded.until,
      (after_time, after_id) = (SELECT * FROM (VALUES (webhook_replay.after_time, webhook_replay.after_id),
        (excluded.after_time, excluded.after_id)) AS place (after_time, after_id) ORDER BY after_time, after_id LIMIT 1)`
  return selected
})

const Status = Schema.Literals([...deliveryStatuses, "all"])

const Ready = Schema.Array(Schema.Struct({ webhookId: WebhookId, status: Status }))

/** The replays that may make a step. */
const readyStatement = `SELECT webhook_id AS "webhookId", status FROM webhook_replay
  JOIN webhook USING (webhook_id) JOIN site USING (website_config_id)
  WHERE disabled_at IS NULL AND deleted_at IS NULL AND (
    SELECT count(*) FROM (
      SELECT FROM delivery WHERE subscriber_id = webhook_id AND status = 'pending' AND next_attempt_at <= now()
      LIMIT ${Delivery.replayStepSize}
    ) AS due
  ) < ${Delivery.replayStepSize}`

const Replays = Schema.Array(
  Schema.Struct({
    afterTime: Schema.Finite,
    afterId: Schema.String,
    until: Schema.Finite
  })
)

/** No process makes a step of a replay that another one locks. */
const lockStatement = `SELECT ${Times.millisAs("after_time", "afterTime")}, after_id AS "afterId", ${Times.millis("until")} AS until
  FROM webhook_replay WHERE webhook_id = $1 AND status = $2 FOR UPDATE SKIP LOCKED`

const Window = Schema.Array(
  Schema.Struct({
    eventId: Schema.String,
    createdAt: Schema.Finite,
    status: Schema.Literals(deliveryStatuses),
    isUnderWay: Schema.Boolean,
    hasPayload: Schema.Boolean
  })
)

const windowStatement = `SELECT event_id AS "eventId", ${Times.millisAs("created_at", "createdAt")}, status,
    ${isUnderWay} AS "isUnderWay", payload IS NOT NULL AS "hasPayload"
  FROM delivery WHERE subscriber_id = $1 AND (created_at, event_id) > ($2, $3) AND created_at <= $4
  ORDER BY created_at, event_id LIMIT ${Delivery.replayWindow}`

/**
 * Makes deliveries due, and restarts their schedules. Finds each by the primary key, since the planner could otherwise read all
 * deliveries of the webhook. Omits those that another transaction changes meanwhile: it erases, leases or retries them.
 */
const dueStatement = `WITH named AS MATERIALIZED (SELECT unnest($2::uuid[]) AS event_id), free AS (
    SELECT ctid AS place FROM delivery WHERE ctid = ANY (ARRAY(
      SELECT place FROM named CROSS JOIN LATERAL (
        SELECT ctid AS place, subscriber_id FROM delivery WHERE delivery.event_id = named.event_id OFFSET 0
      ) AS of_event WHERE subscriber_id = $1
    )) AND ${isReplayable} FOR UPDATE SKIP LOCKED
  )
  UPDATE delivery SET status = 'pending', attempts = 0, generation = generation + 1, next_attempt_at = now()
  WHERE ctid = ANY (ARRAY(SELECT place FROM free)) RETURNING 1`

/** Makes one step of a replay, and returns how many deliveries became due. Needs a transaction. */
export const step = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  { status, webhookId }: (typeof Ready.Type)[number]
) {
  const id = PgTypes.uuid(webhookId)
  const [replay] = yield* sql.unsafe(lockStatement, [id, PgTypes.text(status)]).pipe(decodeRows(Replays))
  if (replay === undefined) return 0
  const window = yield* sql
    .unsafe(windowStatement, [
      id,
      PgTypes.timestamptz(replay.afterTime),
      PgTypes.uuid(replay.afterId),
      PgTypes.timestamptz(replay.until)
    ])
    .pipe(decodeRows(Window))
  const { after, eventIds } = Delivery.replayStep(window, status === "all" ? undefined : status)
  const due = eventIds.length === 0 ? [] : yield* sql.unsafe(dueStatement, [id, Database.uuids(eventIds)])
  yield* after === null
    ? sql`DELETE FROM webhook_replay WHERE webhook_id = ${id} AND status = ${PgTypes.text(status)}`
    : sql`UPDATE webhook_replay SET after_time = ${PgTypes.timestamptz(after.time)}, after_id = ${PgTypes.uuid(after.id)}
        WHERE webhook_id = ${id} AND status = ${PgTypes.text(status)}`
  return due.length
})

/** The replays that may make a step. */
export const ready = (sql: PgClient.PgClient) => sql.unsafe(readyStatement).pipe(decodeRows(Ready))
