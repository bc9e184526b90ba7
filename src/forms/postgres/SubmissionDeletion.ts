/**
 * Deletes submissions of a website: at first into `deleted_submission`, from where they can be restored for `restorableMillis`,
 * or for good.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Clock, Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { SubmissionId, type WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeColumn } from "../../platform/runtime/Rows.ts"
import * as SubmissionRows from "./SubmissionRows.ts"

const parametersOf = (websiteConfigId: WebsiteConfigId, submissionIds: ReadonlyArray<string>) => [
  PgTypes.uuid(websiteConfigId),
  Database.uuids(submissionIds)
]

/**
 * The query names the website, because the index of the keys begins with it. The keys are deleted first, in the lock order of
 * `SubmissionRepo.submit`, to avoid a deadlock.
 */
const keysStatement = `WITH held AS MATERIALIZED (
    SELECT website_config_id, key_sha256 FROM idempotency_key WHERE website_config_id = $1
      AND submission_id = ANY ($2) ORDER BY key_sha256 FOR UPDATE
  )
  DELETE FROM idempotency_key USING held WHERE idempotency_key.website_config_id = held.website_config_id
    AND idempotency_key.key_sha256 = held.key_sha256`

/** Locks in the order of the ids, as `FanOut` does. */
const keepStatement = `INSERT INTO deleted_submission (${SubmissionRows.tableColumns}, deleted_at)
  SELECT ${SubmissionRows.tableColumns}, $3 FROM (
    SELECT ${SubmissionRows.tableColumns} FROM submission WHERE website_config_id = $1 AND submission_id = ANY ($2)
    ORDER BY submission_id FOR UPDATE
  ) AS found`

const purgeStatement = `DELETE FROM deleted_submission WHERE website_config_id = $1 AND submission_id = ANY ($2)
  RETURNING submission_id`

/** Nothing is restored to a website whose deletion has begun. */
const restoreStatement = `WITH website AS MATERIALIZED (
    SELECT website_config_id, has_subscribers FROM site WHERE website_config_id = $1 AND deleted_at IS NULL FOR KEY SHARE
  ), found AS (
    DELETE FROM deleted_submission USING website
    WHERE deleted_submission.website_config_id = website.website_config_id AND submission_id = ANY ($2)
    RETURNING deleted_submission.*
  ), restored AS (
    INSERT INTO submission (${SubmissionRows.tableColumns}) SELECT ${SubmissionRows.tableColumns} FROM found
    RETURNING submission_id, website_config_id
  ), event AS (
    INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
    SELECT gen_random_uuid(), website_config_id, 'submission.restored', $3, submission_id::text
    FROM restored JOIN website USING (website_config_id) WHERE has_subscribers
  )
  SELECT submission_id FROM restored`

/**
 * Deletes submissions with their idempotency keys and their data in deliveries, in one transaction. They can be restored. Those
 * that were deleted before stay as they are.
 */
export const run = Effect.fnUntraced(
  function* (
    sql: SqlClient.SqlClient,
    websiteConfigId: WebsiteConfigId,
    submissionIds: ReadonlyArray<string>
  ): Effect.fn.Return<void, SqlError.SqlError> {
    const parameters = parametersOf(websiteConfigId, submissionIds)
    const now = PgTypes.timestamptz(yield* Clock.currentTimeMillis)
    yield* Effect.andThen(
      sql.unsafe(keysStatement, parameters),
      Effect.andThen(sql.unsafe(keepStatement, [...parameters, now]), Outbox.deleteSubmissions(sql, submissionIds))
    ).pipe(sql.withTransaction)
  },
  (effect) => Rounds.waking("events")(effect)
)

/** Deletes submissions that were deleted before for good, and returns the ids of those that it found. */
export const purge = (
  sql: SqlClient.SqlClient,
  websiteConfigId: WebsiteConfigId,
  submissionIds: ReadonlyArray<string>
) => sql.unsafe(purgeStatement, parametersOf(websiteConfigId, submissionIds)).pipe(decodeColumn(SubmissionId))

/** The same for submissions whether or not they were deleted before. */
export const erase = (
  sql: SqlClient.SqlClient,
  websiteConfigId: WebsiteConfigId,
  submissionIds: ReadonlyArray<string>
) =>
  Effect.andThen(run(sql, websiteConfigId, submissionIds), purge(sql, websiteConfigId, submissionIds)).pipe(
    sql.withTransaction,
    Effect.asVoid
  )

/** Restores deleted submissions, and returns the ids of those that it restored. Subscribers get them again, and what waited for them. */
export const restore = Effect.fnUntraced(
  function* (sql: SqlClient.SqlClient, websiteConfigId: WebsiteConfigId, submissionIds: ReadonlyArray<string>) {
    const now = PgTypes.timestamptz(yield* Clock.currentTimeMillis)
    return yield* sql.unsafe(restoreStatement, [...parametersOf(websiteConfigId, submissionIds), now]).pipe(
      decodeColumn(SubmissionId),
      Effect.tap((restored) => Outbox.takeBackDeletions(sql, restored)),
      sql.withTransaction
    )
  },
  (effect) => Rounds.waking("events")(effect)
)
