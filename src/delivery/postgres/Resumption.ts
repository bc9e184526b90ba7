/**
 * Resumes the deliveries that ended with the deletion of their submission, when it is restored. Those that were cancelled are pending
 * again; those that had failed get back what they send, so that they can be retried. One that reached its webhook stays as it is. A
 * suspected spam submission is announced as accepted only when it is released.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { EventId, WebsiteConfigId } from "../../platform/Id.ts"
import { leaseMillis } from "../../platform/outward/Schedule.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeColumn, decodeRows } from "../../platform/runtime/Rows.ts"
import * as Event from "../Event.ts"

const Ended = Schema.Array(
  Schema.Struct({
    eventId: EventId,
    subscriberId: Schema.String,
    websiteConfigId: WebsiteConfigId,
    websiteName: Schema.String,
    type: Schema.String,
    createdAt: Schema.Date,
    subject: Schema.String
  })
)

/** An earlier restoration is not announced again: the new one has an event of its own. */
const endedStatement = `SELECT event_id AS "eventId", subscriber_id AS "subscriberId", delivery.website_config_id AS "websiteConfigId",
    name AS "websiteName", type, delivery.created_at AS "createdAt", subject
  FROM delivery JOIN submission ON submission_id = ANY ($1::uuid[]) AND submission_id::text = subject
  JOIN site ON site.website_config_id = delivery.website_config_id
  WHERE subject = ANY ($1::uuid[]::text[]) AND payload IS NULL AND delivery.status IN ('cancelled', 'failed')
    AND type <> 'submission.restored' AND (type <> ALL ($2) OR submission.status = 'accepted') AND site.deleted_at IS NULL`

/** The deliveries that events resume. */
export const find = Effect.fnUntraced(function* (sql: PgClient.PgClient, events: ReadonlyArray<Event.OutboxEvent>) {
  const submissionIds = Event.returnedOf(events)
  if (submissionIds.length === 0) return []
  return yield* sql
    .unsafe(endedStatement, [Database.uuids(submissionIds), Database.texts(Event.announcements)])
    .pipe(decodeRows(Ended))
})

/**
 * An attempt that began before the deletion may still be under way until its lease ends, and its outcome is then recorded. The next one
 * waits for that.
 */
const resumeStatement = `UPDATE delivery SET payload = given.payload::json,
    status = CASE status WHEN 'cancelled' THEN 'pending' ELSE status END,
    next_attempt_at = CASE WHEN status <> 'cancelled' THEN NULL
      WHEN next_attempt_at <= clock_timestamp() + interval '${leaseMillis} milliseconds' THEN next_attempt_at ELSE now() END
  FROM unnest($1, $2, $3) AS given (event_id, subscriber_id, payload)
  WHERE delivery.event_id = given.event_id AND delivery.subscriber_id = given.subscriber_id
    AND delivery.payload IS NULL AND status IN ('cancelled', 'failed')
  RETURNING delivery.subscriber_id`

/** Resumes deliveries, and returns their webhooks. */
export const run = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  ended: typeof Ended.Type,
  data: ReadonlyMap<string, string>
) {
  const resumed = ended.flatMap(
    ({ createdAt, eventId, subject, subscriberId, type, websiteConfigId, websiteName: name }) => {
      const ofSubject = data.get(subject)
      const head = { type, time: createdAt.getTime(), website: { websiteConfigId, name } }
      return ofSubject === undefined ? [] : [{ eventId, subscriberId, payload: Event.payload(head, ofSubject) }]
    }
  )
  if (resumed.length === 0) return []
  return yield* sql
    .unsafe(resumeStatement, [
      Database.uuids(resumed.map(({ eventId }) => eventId)),
      Database.uuids(resumed.map(({ subscriberId }) => subscriberId)),
      Database.texts(resumed.map(({ payload }) => payload))
    ])
    .pipe(decodeColumn(Schema.String))
})
