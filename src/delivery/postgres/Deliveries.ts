/**
 * The deliveries in PostgreSQL. No statement leaves state in its session, so that all of them work through PgBouncer in
 * transaction mode. Rows that another process works on are skipped (SKIP LOCKED).
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, type Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as FailedItems from "../../platform/rounds/postgres/FailedItems.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows, Time } from "../../platform/runtime/Rows.ts"
import type { Position } from "../../platform/text/Cursor.ts"
import * as Cursor from "../../platform/text/Cursor.ts"
import { Attempt, Deliveries, Delivery, DeliveryDetails, listSize, positionOf } from "../Delivery.ts"
import * as FanOut from "./FanOut.ts"
import * as Leases from "./Leases.ts"
import * as Replays from "./Replays.ts"

export interface Options {
  /** The timeout of storing the outcome of an attempt. */
  readonly timeout: Duration.Input
  /** The key that decrypts the webhooks' secrets. */
  readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
}

const DeliveryRows = Schema.Array(
  Schema.Struct({ ...Delivery.fields, created_at: Time, next_attempt_at: Schema.NullOr(Time) })
)

/** The attempts are counted, because the column counts those since the latest retry or replay. */
const deliveryColumns = `event_id, subscriber_id AS webhook_id, type,
  CASE WHEN type LIKE 'submission.%' THEN subject END AS submission_id, created_at, status,
  (SELECT count(*) FROM delivery_attempt AS made
    WHERE made.event_id = delivery.event_id AND made.subscriber_id = delivery.subscriber_id)::int AS attempts,
  CASE status WHEN 'pending' THEN next_attempt_at END AS next_attempt_at`

const PayloadRows = Schema.Array(Schema.Struct({ payload: DeliveryDetails.fields.payload }))

const AttemptRows = Schema.Array(Schema.Struct({ ...Attempt.fields, attempted_at: Time }))

export const layer = ({ secretsKey, timeout }: Options): Layer.Layer<Deliveries, never, PgClient.PgClient> =>
  Layer.effect(
    Deliveries,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { wake } = yield* Rounds.Wakeups
      const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        effect.pipe(sql.withTransaction, Database.mapErrors)
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
      }).pipe(Database.mapErrors)

      return Deliveries.of({
        fanOut: (freeSlots, running) => {
          const secret = Option.map(secretsKey, Redacted.value)
          const lessee = Option.map(secret, (key) => ({ key, freeSlots, running }))
          return FailedItems.isolating({
            kind: "event",
            all: transaction(FanOut.run(sql, lessee, secret)),
            ids: transaction(FanOut.split(sql)),
            // Without leases, since the events share the slots.
            one: (eventId) => transaction(FanOut.run(sql, Option.none(), secret, eventId))
          }).pipe(
            Effect.provideService(SqlClient.SqlClient, sql),
            Database.mapErrors,
            // The events may have left items of mails.
            Effect.tap((parts) =>
              parts.some(({ events }) => events > 0) ? Effect.sync(() => wake("mails")) : Effect.void
            ),
            Effect.map((parts) => ({
              events: parts.reduce((sum, { events }) => sum + events, 0),
              leased: parts.flatMap(({ leased }) => leased),
              waiting: new Set(parts.flatMap(({ waiting }) => [...waiting]))
            }))
          )
        },
        lease: (freeSlots, running) =>
          Option.match(secretsKey, {
            onNone: () => Effect.as(warnWithoutKey, { leased: [], waiting: new Set<string>() }),
            onSome: (key) => Leases.lease(sql, Redacted.value(key), freeSlots, running).pipe(Database.mapErrors)
          }),
        settle: yield* Leases.settle(sql, timeout),
        list: Effect.fnUntraced(function* ({ after, limit, status, webhookId }) {
          const webhook = PgTypes.uuid(webhookId)
          const before = ({ id, time }: Position) => {
            const own = sql`FROM delivery WHERE event_id = ${PgTypes.uuid(id)} AND subscriber_id = ${webhook}`
            return sql`(created_at, event_id) < (${Times.ofPosition(sql, "created_at", own, time)}, ${PgTypes.uuid(id)})`
          }
          // The status is a literal, so that the planner can use the index of failed deliveries.
          const rows = yield* sql`SELECT ${sql.literal(deliveryColumns)} FROM delivery
            WHERE subscriber_id = ${webhook}
              AND ${sql.literal(status === undefined ? "true" : `status = '${status}'`)}
              AND ${after === null ? sql.literal("true") : before(after)}
            ORDER BY created_at DESC, event_id DESC LIMIT ${PgTypes.int8(BigInt(limit + 1))}`.pipe(
            Database.read(DeliveryRows)
          )
          return Cursor.partOf(rows, limit, positionOf)
        }),
        ofSubmission: (websiteConfigId, submissionId) =>
          sql`SELECT ${sql.literal(deliveryColumns)} FROM delivery WHERE subject = ${PgTypes.text(submissionId)}
            AND website_config_id = ${PgTypes.uuid(websiteConfigId)}
            ORDER BY created_at, event_id, subscriber_id LIMIT ${sql.literal(String(listSize))}`.pipe(
            Database.read(DeliveryRows)
          ),
        show: Effect.fnUntraced(function* (webhookId, eventId) {
          const ids = sql`event_id = ${PgTypes.uuid(eventId)} AND subscriber_id = ${PgTypes.uuid(webhookId)}`
          // The attempts are read first, so that the status that is read next includes their outcomes.
          const [history, [delivery], [row]] = yield* Effect.all([
            sql`SELECT attempted_at, status, millis, answer, error
              FROM delivery_attempt WHERE ${ids} ORDER BY attempted_at`.pipe(decodeRows(AttemptRows)),
            sql`SELECT ${sql.literal(deliveryColumns)} FROM delivery WHERE ${ids}`.pipe(decodeRows(DeliveryRows)),
            sql`SELECT payload::text AS payload FROM delivery WHERE ${ids}`.pipe(decodeRows(PayloadRows))
          ]).pipe(Database.mapErrors)
          return delivery === undefined
            ? Option.none()
            : Option.some({ ...delivery, payload: row?.payload ?? null, history })
        }),
        retry: Effect.fnUntraced(function* (webhookId, eventId) {
          const now = PgTypes.timestamptz(yield* Clock.currentTimeMillis)
          const rows = yield* sql`UPDATE delivery SET status = 'pending', attempts = 0,
            generation = generation + 1, next_attempt_at = ${now}
            WHERE event_id = ${PgTypes.uuid(eventId)} AND subscriber_id = ${PgTypes.uuid(webhookId)}
              AND payload IS NOT NULL RETURNING 1`.pipe(Database.mapErrors, Rounds.waking("deliveries"))
          return rows.length > 0
        }),
        countReplay: (selection) => Replays.count(sql, selection).pipe(Database.mapErrors),
        replay: (selection) => Replays.begin(sql, selection).pipe(Database.mapErrors, Rounds.waking("replays")),
        continueReplays: Effect.gen(function* () {
          const ready = yield* Replays.ready(sql).pipe(Database.mapErrors)
          const counts = yield* FailedItems.each(
            "replay",
            yield* FailedItems.ready("replay", ready, ({ webhookId }) => webhookId),
            (replay) => transaction(Replays.step(sql, replay))
          )
          return counts.reduce((sum, count) => sum + count, 0)
        }).pipe(Effect.provideService(SqlClient.SqlClient, sql), Database.mapErrors)
      })
    })
  )
