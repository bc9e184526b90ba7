/**
 * Deletes the data of deleted submissions and conversations from the outbox and from deliveries.
 *
 * @module
 */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Database from "./Database.ts"

/** Limits a statement to the events in the index of subjects: all events except those of stored submissions. */
const isIndexed = "type NOT IN ('submission.accepted', 'submission.quarantined')"

/**
 * Locks submissions in the order of their ids, as `FanOut` does. The next statement then sees what the transactions committed
 * that this one waited for, such as the event of a release.
 */
const lockStatement = "SELECT FROM submission WHERE submission_id = ANY ($1) ORDER BY submission_id FOR UPDATE"

/** Deletes the submissions `$1` and their events in the outbox, and adds the events of their deletion. */
const deleteStatement = `WITH gone AS (
    DELETE FROM submission WHERE submission_id = ANY ($1) RETURNING submission_id, website_config_id
  ), unsent AS (
    DELETE FROM outbox USING gone WHERE event_id = submission_id
  ), unsent_others AS (
    DELETE FROM outbox USING gone WHERE subject = submission_id::text AND ${isIndexed}
  )
  INSERT INTO outbox (event_id, website_config_id, type, created_at, subject, data)
  SELECT gen_random_uuid(), website_config_id, 'submission.deleted', now(), submission_id::text,
    json_build_object('submission_id', submission_id)
  FROM gone JOIN site USING (website_config_id) WHERE has_subscribers`

const unsentStatement = `DELETE FROM outbox WHERE subject = ANY ($1) AND ${isIndexed}`

const unsentSubmissionStatement = "DELETE FROM outbox WHERE event_id = ANY ($1::uuid[])"

/** `next_attempt_at` stays: an attempt may be under way. `Resumption` waits for its outcome if the submission is restored. */
const deliveryStatements = [
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
 * Deletes submissions, their events in the outbox, and their data in deliveries and in webhooks' answers. Cancels their
 * pending deliveries, and writes the event `submission.deleted` for subscribers. Needs a transaction.
 */
export const deleteSubmissions = (
  sql: SqlClient.SqlClient,
  submissionIds: ReadonlyArray<string>
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.forEach([lockStatement, deleteStatement], (statement) =>
    sql.unsafe(statement, [Database.uuids(submissionIds)])
  ).pipe(Effect.andThen(runForSubjects(sql, deliveryStatements, submissionIds)))
