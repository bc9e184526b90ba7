/**
 * Changes the events and deliveries of a submission with the submission itself.
 *
 * @module
 */
import type { PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"

/**
 * The statements, for the submission `$1`. They are separate, since each must see what a concurrent step committed while the
 * one before waited for its row: the first waits for the fan-out of its events, the second for the record of an attempt.
 */
const statements = [
  `WITH gone AS (
    DELETE FROM submission WHERE submission_id = $1 RETURNING submission_id, website_config_id
  ), unsent AS (
    DELETE FROM outbox USING gone WHERE subject = submission_id::text
  )
  INSERT INTO outbox (event_id, website_config_id, type, created_at, subject, data)
  SELECT gen_random_uuid(), website_config_id, 'submission.deleted', now(), submission_id::text,
    json_build_object('submission_id', submission_id)
  FROM gone JOIN site USING (website_config_id) WHERE has_subscribers`,
  `UPDATE delivery SET payload = NULL, next_attempt_at = NULL,
    status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END
  WHERE subject = ($1::uuid)::text AND type <> 'submission.deleted'`,
  `UPDATE delivery_attempt SET answer = NULL FROM delivery
  WHERE delivery_attempt.event_id = delivery.event_id AND delivery_attempt.subscriber_id = delivery.subscriber_id
    AND subject = ($1::uuid)::text AND type <> 'submission.deleted'`
]

/**
 * Deletes a submission, its events that are not delivered yet, and its data in deliveries and their answers. Cancels its
 * pending deliveries, and subscribers get `submission.deleted`. Needs a transaction.
 */
export const deleteSubmission = (
  sql: SqlClient.SqlClient,
  submissionId: PgTypes.Parameter
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.forEach(statements, (statement) => sql.unsafe(statement, [submissionId]), { discard: true })
