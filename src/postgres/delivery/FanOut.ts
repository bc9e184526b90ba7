/**
 * Turns events of the outbox into deliveries, and into items of mails.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import * as FanOut from "../../core/delivery/FanOut.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import * as Database from "../Database.ts"
import * as MailFanOut from "../mail/MailFanOut.ts"
import * as Subjects from "./Subjects.ts"

/** The events of one fan-out: few enough to hold their subjects in memory. */
const size = 100

const Text = Schema.NullOr(Schema.String)

const Events = Schema.Array(
  Schema.Struct({
    eventId: Schema.String,
    websiteConfigId: Schema.String,
    type: Schema.String,
    createdAt: Schema.Date,
    subject: Text,
    data: Text
  })
)

const Subscribers = Schema.Array(
  Schema.Struct({ subscriberId: Schema.String, websiteConfigId: Schema.String, events: Schema.Array(Schema.String) })
)

const takeStatement = `DELETE FROM outbox WHERE event_id = ANY (ARRAY(
    SELECT event_id FROM outbox ORDER BY created_at LIMIT ${size} FOR UPDATE SKIP LOCKED
  ))
  RETURNING event_id AS "eventId", website_config_id AS "websiteConfigId", type, created_at AS "createdAt", subject,
    data::text AS data`

/**
 * Takes batches of stored submissions, and the first whatever its size. A submission that was deleted has no event. The others are
 * locked against deletion until the commit, in the order in which a deletion locks them.
 */
const takeSubmissionsStatement = `WITH found AS MATERIALIZED (
    SELECT ctid AS place, created_at, cardinality(submission_ids) AS size FROM submission_outbox
    ORDER BY created_at LIMIT ${size} FOR UPDATE SKIP LOCKED
  ), taken AS MATERIALIZED (
    DELETE FROM submission_outbox WHERE ctid = ANY (ARRAY(
      SELECT place FROM (SELECT place, sum(size) OVER (ORDER BY created_at, place) - size AS before FROM found) AS summed
      WHERE before < ${size}
    ))
    RETURNING type, submission_ids
  )
  SELECT submission_id AS "eventId", website_config_id AS "websiteConfigId", type, received_at AS "createdAt",
    submission_id::text AS subject, NULL AS data
  FROM (SELECT unnest(submission_ids) AS submission_id, type FROM taken) AS event JOIN submission USING (submission_id)
  ORDER BY submission_id FOR KEY SHARE OF submission`

/** None of a website whose deletion has begun. */
const subscribersStatement = `SELECT webhook_id AS "subscriberId", website_config_id AS "websiteConfigId", events
  FROM webhook JOIN site USING (website_config_id)
  WHERE website_config_id = ANY ($1) AND disabled_at IS NULL AND deleted_at IS NULL`

const { OID } = PgTypes

/** The columns of a delivery. The times are texts, since arrays have no parameter type for them. */
const columns: ReadonlyArray<readonly [oid: number, value: (delivery: FanOut.NewDelivery) => unknown]> = [
  [OID.uuid, ({ event }) => event.eventId],
  [OID.uuid, ({ subscriberId }) => subscriberId],
  [OID.uuid, ({ event }) => event.websiteConfigId],
  [OID.text, ({ event }) => event.type],
  [OID.text, ({ event }) => new Date(event.createdAt).toISOString()],
  [OID.text, ({ event }) => event.subject ?? ""],
  [OID.text, ({ payload }) => payload]
]

const insertStatement = `INSERT INTO delivery
    (event_id, subscriber_id, website_config_id, type, created_at, subject, payload, next_attempt_at)
  SELECT event_id, subscriber_id, website_config_id, type, created_at, nullif(subject, ''), payload::json, now()
  FROM unnest($1, $2, $3, $4, $5::timestamptz[], $6, $7)
    AS given (event_id, subscriber_id, website_config_id, type, created_at, subject, payload)`

/**
 * Deletes some events from the outbox and stores their deliveries; returns the number of the events. Needs a transaction.
 */
export const run = (sql: PgClient.PgClient): Effect.Effect<number, SqlError.SqlError> =>
  Effect.gen(function* () {
    const submissions = yield* sql.unsafe(takeSubmissionsStatement).pipe(decodeRows(Events))
    const others = yield* sql.unsafe(takeStatement).pipe(decodeRows(Events))
    const rows = [...submissions, ...others]
    const events = rows.map((row) => ({ ...row, createdAt: row.createdAt.getTime() }))
    if (events.length === 0) return 0
    const sites = [...new Set(events.map(({ websiteConfigId }) => websiteConfigId))]
    const subscribers = yield* sql
      .unsafe(subscribersStatement, [Database.array(sites, OID.uuid)])
      .pipe(decodeRows(Subscribers))
    const data = yield* Subjects.dataOf(sql, FanOut.subjectsOf(events, subscribers))
    const deliveries = FanOut.deliveries(events, subscribers, (subject) => data.get(subject))
    if (deliveries.length > 0) {
      yield* sql.unsafe(
        insertStatement,
        columns.map(([oid, value]) => Database.array(deliveries.map(value), oid))
      )
    }
    yield* MailFanOut.run(sql, events)
    return events.length
  })
