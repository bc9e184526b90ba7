/**
 * Deletes the data of deleted submissions and conversations from the outbox and from deliveries. The events of a submission that can
 * be restored wait in the outbox.
 *
 * @module
 */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Database from "./Database.ts"

/** Limits a statement to the events in the index of subjects. The id of any other event is that of its submission. */
const isIndexed = "type <> 'submission.accepted'"

/**
 * Locks submissions in the order of their ids, as `FanOut` does. The next statement then sees what the transactions committed
 * that this one waited for, such as the event of a release.
 */
const lockStatement = "SELECT FROM submission WHERE submission_id = ANY ($1) ORDER BY submission_id FOR UPDATE"

/**
 * An SQL condition: whether an event of the outbox may be fanned out. One whose data is that of a deleted submission waits until the
 * submission is restored or deleted for good. Probes the index for each event, where the planner could read all deleted submissions.
 */
export const mayFanOut = `(SELECT true FROM deleted_submission
  WHERE submission_id = CASE WHEN outbox.data IS NULL AND length(outbox.subject) = 36 THEN outbox.subject::uuid END) IS NULL`

/** Deletes the submissions `$1`, and adds the events of their deletion. */
const deleteStatement = `WITH gone AS (
    DELETE FROM submission WHERE submission_id = ANY ($1) RETURNING submission_id, website_config_id
  )
  INSERT INTO outbox (event_id, website_config_id, type, created_at, subject, data)
  SELECT gen_random_uuid(), website_config_id, 'submission.deleted', now(), submission_id::text,
    json_build_object('submission_id', submission_id)
  FROM gone JOIN site USING (website_config_id) WHERE has_subscribers`

const unsentStatement = `DELETE FROM outbox WHERE subject = ANY ($1) AND ${isIndexed}`

const unsentSubmissionStatement = "DELETE FROM outbox WHERE event_id = ANY ($1::uuid[])"

/** Wait for a fan-out of the events, whose deliveries the next statement then sees. */
const lockUnsentStatements = [
  "SELECT FROM outbox WHERE event_id = ANY ($1::uuid[]) FOR UPDATE",
  `SELECT FROM outbox WHERE subject = ANY ($1) AND ${isIndexed} FOR UPDATE`
]

/** `Leases` locks deliveries in this order, too. Otherwise, the two would deadlock. */
const lockDeliveriesStatement = `SELECT FROM delivery WHERE subject = ANY ($1) ORDER BY event_id, subscriber_id FOR NO KEY UPDATE`

/** `next_attempt_at` stays: an attempt may be under way. `FanOut` waits for its outcome if the submission is restored. */
const deliveryStatements = [
  lockDeliveriesStatement,
  `UPDATE delivery SET payload = NULL,
    status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END
  WHERE subject = ANY ($1) AND type <> 'submission.deleted'`,
  `UPDATE delivery_attempt SET answer = NULL FROM delivery
  WHERE delivery_attempt.event_id = delivery.event_id AND delivery_attempt.subscriber_id = delivery.subscriber_id
    AND subject = ANY ($1) AND type <> 'submission.deleted'`
]

/**
 * Runs statements for these subjects, one after another. A statement may wait for the row locks of other transactions, and the
 * next one must see what those committed. The deletion from the outbox waits for a fan-out of its events. The update of the
 * deliveries waits for a transaction that records one of their attempts.
 */
const runForSubjects = (sql: SqlClient.SqlClient, statements: ReadonlyArray<string>, subjects: ReadonlyArray<string>) =>
  Effect.forEach(statements, (statement) => sql.unsafe(statement, [Database.texts(subjects)]), {
    discard: true
  })

/**
 * For conversations that were deleted: deletes their events in the outbox and their data in deliveries and in webhooks'
 * answers, and cancels their pending deliveries. Needs the transaction that deleted the conversations.
 */
export const erase = (
  sql: SqlClient.SqlClient,
  subjects: ReadonlyArray<string>
): Effect.Effect<void, SqlError.SqlError> => runForSubjects(sql, [unsentStatement, ...deliveryStatements], subjects)

/** Like `erase`, for expired submissions. Subscribers get no event. Needs the transaction that deleted the submissions. */
export const eraseSubmissions: typeof erase = (sql, submissionIds) =>
  runForSubjects(sql, [unsentSubmissionStatement, unsentStatement, ...deliveryStatements], submissionIds)

/**
 * Deletes submissions, and their data in deliveries and in webhooks' answers. Cancels their pending deliveries, and writes the event
 * `submission.deleted` for subscribers. Needs a transaction that keeps the submissions in `deleted_submission`, or their events in the
 * outbox would deliver nothing.
 */
export const deleteSubmissions = (
  sql: SqlClient.SqlClient,
  submissionIds: ReadonlyArray<string>
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.forEach([lockStatement, deleteStatement], (statement) =>
    sql.unsafe(statement, [Database.uuids(submissionIds)])
  ).pipe(Effect.andThen(runForSubjects(sql, [...lockUnsentStatements, ...deliveryStatements], submissionIds)))

/** The outcome of an attempt that is under way is still recorded. */
const takeBackStatements = [
  `DELETE FROM outbox WHERE subject = ANY ($1) AND type = 'submission.deleted' AND ${isIndexed}`,
  lockDeliveriesStatement,
  `UPDATE delivery SET status = 'cancelled'
  WHERE subject = ANY ($1) AND type = 'submission.deleted' AND status = 'pending'`
]

/** For restored submissions: subscribers that do not know of the deletion yet get no event about it. Needs a transaction. */
export const takeBackDeletions: typeof erase = (sql, submissionIds) =>
  runForSubjects(sql, takeBackStatements, submissionIds)

/** Locks the deliveries of submissions before a change of several of them. Needs a transaction. */
export const lockDeliveries: typeof erase = (sql, submissionIds) =>
  runForSubjects(sql, [lockDeliveriesStatement], submissionIds)
