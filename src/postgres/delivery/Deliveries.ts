/**
 * Delivers events from PostgreSQL. Every step is one transaction and leaves nothing in its session, so that it works through
 * PgBouncer in transaction mode; rows that another process works on are skipped (SKIP LOCKED).
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, type Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import * as Event from "../../core/delivery/Event.ts"
import { deliveryStatuses, leaseMillis, type Webhook } from "../../core/delivery/Webhook.ts"
import { isCanonicalUuid } from "../../core/text/Uuid.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import { Deliveries } from "../../services/delivery/Deliveries.ts"
import * as Database from "../Database.ts"
import * as SubmissionRows from "../forms/SubmissionRows.ts"
import * as Rows from "./WebhookRows.ts"

export interface Options {
  /** The timeout of each step. */
  readonly timeout: Duration.Input
  /** The key that decrypts the webhooks' secrets. */
  readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
}

/** The events of one fan-out: few enough to hold their submissions in memory. */
const fanOutSize = 50

const Text = Schema.NullOr(Schema.String)

const Events = Schema.Array(
  Schema.Struct({
    event_id: Schema.String,
    website_config_id: Schema.String,
    type: Schema.String,
    created_at: Schema.Date,
    subject: Text,
    data: Text
  })
)

const Subscribers = Schema.Array(
  Schema.Struct({ webhook_id: Schema.String, website_config_id: Schema.String, events: Schema.Array(Schema.String) })
)

const LeasedRows = Schema.Array(
  Schema.Struct({
    event_id: Schema.String,
    payload: Schema.String,
    attempts: Schema.Int,
    ...Rows.fields,
    ...Rows.secretFields
  })
)

const DeliveryRows = Schema.Array(
  Schema.Struct({
    eventId: Schema.String,
    webhookId: Schema.String,
    type: Schema.String,
    createdAt: Schema.Finite,
    status: Schema.Literals(deliveryStatuses),
    attempts: Schema.Int,
    nextAttemptAt: Schema.NullOr(Schema.Finite)
  })
)

const deliveryColumns = `event_id AS "eventId", subscriber_id AS "webhookId", type, ${Rows.millis("created_at", "createdAt")},
  status, attempts, ${Rows.millis("next_attempt_at", "nextAttemptAt")}`

const PayloadRows = Schema.Array(Schema.Struct({ payload: Text }))

const AttemptRows = Schema.Array(
  Schema.Struct({
    attemptedAt: Schema.Finite,
    status: Schema.NullOr(Schema.Int),
    millis: Schema.Int,
    answer: Text,
    error: Text
  })
)

/**
 * Leases what is due of each webhook that is not disabled. Moving `next_attempt_at` is the lease: if the process dies, the
 * delivery is due again when it ends.
 */
const leaseStatement = `WITH busy AS (SELECT * FROM unnest($1::uuid[], $2::integer[]) AS busy (webhook_id, count)),
  due AS (
    SELECT place FROM webhook LEFT JOIN busy USING (webhook_id) CROSS JOIN LATERAL (
      SELECT ctid AS place FROM delivery
      WHERE subscriber_id = webhook_id AND status = 'pending' AND next_attempt_at <= now() ORDER BY next_attempt_at
      LIMIT greatest(0, CASE WHEN failing_since IS NULL THEN $3::integer ELSE $4::integer END - coalesce(busy.count, 0))
      FOR UPDATE SKIP LOCKED
    ) AS next WHERE disabled_at IS NULL
  ), leased AS (
    UPDATE delivery SET attempts = attempts + 1, next_attempt_at = now() + interval '${leaseMillis} milliseconds'
    WHERE ctid = ANY (ARRAY(SELECT place FROM due)) RETURNING event_id, subscriber_id, payload::text AS payload, attempts
  )
  SELECT event_id, payload, attempts, ${Rows.columns}, ${Rows.secretColumns}
  FROM leased JOIN webhook ON webhook_id = subscriber_id`

/** Records the attempt `$3`, unless the delivery was leased again meanwhile. */
const settleStatement = `WITH settled AS (
    UPDATE delivery SET status = $4, next_attempt_at = $5
    WHERE event_id = $1 AND subscriber_id = $2 AND attempts = $3 AND status = 'pending' RETURNING event_id, subscriber_id, payload
  ), attempt AS (
    INSERT INTO delivery_attempt (event_id, subscriber_id, attempted_at, status, millis, answer, error)
    SELECT event_id, subscriber_id, $6, $7, $8, CASE WHEN payload IS NOT NULL THEN $9::text END, $10 FROM settled
  )
  SELECT 1 FROM settled`

export const layer = ({ secretsKey, timeout }: Options): Layer.Layer<Deliveries, never, PgClient.PgClient> =>
  Layer.effect(
    Deliveries,
    Effect.map(PgClient.PgClient, (sql) => {
      const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        effect.pipe(sql.withTransaction, Database.recoverConnectionErrors(), Database.bounded(timeout))
      const uuids = (ids: ReadonlyArray<string>) => Database.array(ids, PgTypes.OID.uuid)

      /** The submissions that the events name, by their ids. */
      const submissionsOf = Effect.fnUntraced(function* (events: typeof Events.Type) {
        const ids = events
          .filter(({ data, subject }) => data === null && subject !== null && isCanonicalUuid(subject))
          .map(({ subject }) => String(subject))
        if (ids.length === 0) return new Map<string, string>()
        const rows = yield* sql`SELECT ${sql.literal(SubmissionRows.columns)} FROM submission
          WHERE submission_id = ANY (${uuids(ids)})`.pipe(decodeRows(SubmissionRows.Rows))
        return new Map(rows.map((row) => [row.submission_id, Event.submissionData(SubmissionRows.fromRow(row))]))
      })

      const fanOut = transaction(
        Effect.gen(function* () {
          const events = yield* sql`DELETE FROM outbox WHERE event_id = ANY (ARRAY(
              SELECT event_id FROM outbox ORDER BY created_at LIMIT ${sql.literal(String(fanOutSize))} FOR UPDATE SKIP LOCKED
            )) RETURNING event_id, website_config_id, type, created_at, subject, data::text AS data`.pipe(
            decodeRows(Events)
          )
          if (events.length === 0) return 0
          const sites = [...new Set(events.map((event) => event.website_config_id))]
          const webhooks = yield* sql`SELECT webhook_id, website_config_id, events FROM webhook
            WHERE website_config_id = ANY (${uuids(sites)}) AND disabled_at IS NULL`.pipe(decodeRows(Subscribers))
          const submissions = yield* submissionsOf(events)
          const deliveries = events.flatMap((event) => {
            // A submission that was deleted meanwhile has no data, and its event tells nobody.
            const data = event.data ?? submissions.get(event.subject ?? "")
            if (data === undefined) return []
            const payload = Event.payload(event.type, event.created_at.getTime(), data)
            return webhooks
              .filter((one) => one.website_config_id === event.website_config_id)
              .filter((one) => Event.isWanted(one.events, event.type))
              .map((one) => ({ event, payload, webhookId: one.webhook_id }))
          })
          if (deliveries.length === 0) return events.length
          const column = (of: (delivery: (typeof deliveries)[number]) => unknown, oid: number) =>
            Database.array(deliveries.map(of), oid)
          // The columns of an event that is delivered twice, as `site.limit` may be, conflict.
          yield* sql`INSERT INTO delivery
              (event_id, subscriber_id, website_config_id, type, created_at, subject, payload, next_attempt_at)
            SELECT event_id, subscriber_id, website_config_id, type, created_at, nullif(subject, ''), payload::json, now()
            FROM unnest(${column(({ event }) => event.event_id, PgTypes.OID.uuid)},
              ${column(({ webhookId }) => webhookId, PgTypes.OID.uuid)},
              ${column(({ event }) => event.website_config_id, PgTypes.OID.uuid)},
              ${column(({ event }) => event.type, PgTypes.OID.text)},
              ${column(({ event }) => event.created_at.toISOString(), PgTypes.OID.text)}::timestamptz[],
              ${column(({ event }) => event.subject ?? "", PgTypes.OID.text)},
              ${column(({ payload }) => payload, PgTypes.OID.text)})
              AS given (event_id, subscriber_id, website_config_id, type, created_at, subject, payload)
            ON CONFLICT DO NOTHING`
          return events.length
        })
      )

      let isWarned = false
      /** Logs once that deliveries wait for the key. */
      const warnWithoutKey = Effect.gen(function* () {
        if (isWarned) return
        const pending = yield* sql`SELECT event_id FROM delivery WHERE status = 'pending' LIMIT 1`
        if (pending.length === 0) return
        isWarned = true
        yield* Effect.logWarning(
          "Deliveries to webhooks wait, because SECRETS_KEY is not set. Set it to the key with which the webhooks were created."
        )
      }).pipe(Database.bounded(timeout))

      const lease: Deliveries["Service"]["lease"] = Effect.fnUntraced(function* (slots, busy) {
        if (Option.isNone(secretsKey)) return yield* Effect.as(warnWithoutKey, [])
        const key = Redacted.value(secretsKey.value)
        const rows = yield* sql
          .unsafe(leaseStatement, [
            uuids([...busy.keys()]),
            Database.array([...busy.values()], PgTypes.OID.int4),
            PgTypes.int4(slots.healthy),
            PgTypes.int4(slots.failing)
          ])
          .pipe(Database.bounded(timeout), decodeRows(LeasedRows))
        return rows.map((row) => ({
          eventId: row.event_id,
          payload: row.payload,
          attempt: row.attempts,
          webhook: Rows.toWebhook(row),
          secrets: Rows.open(key, row)
        }))
      })

      /** Only a webhook whose health changed is written to. */
      const setHealth = (before: Webhook, after: Pick<Webhook, "failingSince" | "disabledAt">) => {
        const id = PgTypes.uuid(before.webhookId)
        if (before.failingSince === after.failingSince && before.disabledAt === after.disabledAt) return Effect.void
        const saved =
          after.failingSince === null
            ? sql`UPDATE webhook SET failing_since = NULL WHERE webhook_id = ${id}`
            : sql`UPDATE webhook SET failing_since = coalesce(failing_since, ${PgTypes.timestamptz(after.failingSince)}),
                disabled_at = coalesce(disabled_at, ${PgTypes.timestamptz(after.disabledAt)}) WHERE webhook_id = ${id}`
        return after.disabledAt === null
          ? saved
          : Effect.andThen(
              saved,
              sql`UPDATE delivery SET status = 'cancelled', next_attempt_at = NULL
                WHERE subscriber_id = ${id} AND status = 'pending'`
            )
      }

      return Deliveries.of({
        fanOut,
        lease,
        settle: ({ attempt: number, eventId, webhook }, { attempt, health, next }) =>
          transaction(
            Effect.gen(function* () {
              const settled = yield* sql.unsafe(settleStatement, [
                PgTypes.uuid(eventId),
                PgTypes.uuid(webhook.webhookId),
                PgTypes.int4(number),
                PgTypes.text(next.status),
                PgTypes.timestamptz(next.status === "pending" ? next.nextAttemptAt : null),
                PgTypes.timestamptz(attempt.attemptedAt),
                PgTypes.int4(attempt.status),
                PgTypes.int4(attempt.millis),
                PgTypes.text(attempt.answer),
                PgTypes.text(attempt.error)
              ])
              if (settled.length > 0) yield* setHealth(webhook, health)
            })
          ),
        list: (webhookId, status) =>
          isCanonicalUuid(webhookId)
            ? sql`SELECT ${sql.literal(deliveryColumns)} FROM delivery WHERE subscriber_id = ${PgTypes.uuid(webhookId)}
                AND ${status === undefined ? sql.literal("true") : sql`status = ${PgTypes.text(status)}`}
                ORDER BY created_at DESC, event_id DESC LIMIT 100`.pipe(
                Database.bounded(timeout),
                decodeRows(DeliveryRows)
              )
            : Effect.succeed([]),
        show: Effect.fnUntraced(function* (webhookId, eventId) {
          if (!isCanonicalUuid(webhookId) || !isCanonicalUuid(eventId)) return Option.none()
          const ids = sql`event_id = ${PgTypes.uuid(eventId)} AND subscriber_id = ${PgTypes.uuid(webhookId)}`
          // The attempts first: a delivery that is read after them has at least their outcome.
          const [history, [delivery], [row]] = yield* Effect.all([
            sql`SELECT ${sql.literal(Rows.millis("attempted_at", "attemptedAt"))}, status, millis, answer, error
              FROM delivery_attempt WHERE ${ids} ORDER BY attempted_at`.pipe(decodeRows(AttemptRows)),
            sql`SELECT ${sql.literal(deliveryColumns)} FROM delivery WHERE ${ids}`.pipe(decodeRows(DeliveryRows)),
            sql`SELECT payload::text AS payload FROM delivery WHERE ${ids}`.pipe(decodeRows(PayloadRows))
          ]).pipe(Database.bounded(timeout))
          return delivery === undefined
            ? Option.none()
            : Option.some({ ...delivery, payload: row?.payload ?? null, history })
        }),
        retry: Effect.fnUntraced(function* (webhookId, eventId) {
          if (!isCanonicalUuid(webhookId) || !isCanonicalUuid(eventId)) return false
          const now = PgTypes.timestamptz(yield* Clock.currentTimeMillis)
          const rows = yield* sql`UPDATE delivery SET status = 'pending', attempts = 0, next_attempt_at = ${now}
            WHERE event_id = ${PgTypes.uuid(eventId)} AND subscriber_id = ${PgTypes.uuid(webhookId)}
              AND payload IS NOT NULL RETURNING 1`.pipe(Database.bounded(timeout))
          return rows.length > 0
        })
      })
    })
  )
