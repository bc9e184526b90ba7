/**
 * The columns of a stored submission, and the deletion of submissions: at first into `deleted_submission`, from where they can be
 * restored for `restorableMillis`, or for good.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { SubmissionId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeColumn } from "../../platform/runtime/Rows.ts"
import { type Submission, statuses } from "../Submission.ts"

/** The columns, with an expression for the form's data as text. */
export const columnsWith = (
  formData: string
) => `submission_id, submission.website_config_id, received_at, email, page_slug,
  ${formData} AS form_data, status, reasons, source, medium, campaign, referrer, entry_page`

/** All columns of the tables `submission` and `deleted_submission`. */
export const tableColumns = `submission_id, website_config_id, received_at, email, page_slug, form_data, status, reasons, source,
  medium, campaign, referrer, entry_page, is_read, is_mailed, instance_id, conversation_id`

export const columns = columnsWith("form_data::text")

const Text = Schema.NullOr(Schema.String)

export const fields = {
  submission_id: SubmissionId,
  website_config_id: WebsiteConfigId,
  received_at: Schema.Date,
  email: Text,
  page_slug: Text,
  form_data: Schema.String,
  status: Schema.Literals(statuses),
  reasons: Schema.Array(Schema.String),
  source: Text,
  medium: Text,
  campaign: Text,
  referrer: Text,
  entry_page: Text
}

export const Rows = Schema.Array(Schema.Struct(fields))

export const fromRow = (row: (typeof Rows.Type)[number]): Submission => ({
  submissionId: row.submission_id,
  websiteConfigId: row.website_config_id,
  receivedAt: row.received_at.getTime(),
  email: row.email,
  pageSlug: row.page_slug,
  formData: row.form_data,
  status: row.status,
  reasons: row.reasons,
  attribution: {
    source: row.source,
    medium: row.medium,
    campaign: row.campaign,
    referrer: row.referrer,
    entryPage: row.entry_page
  }
})

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
const keepStatement = `INSERT INTO deleted_submission (${tableColumns}, deleted_at)
  SELECT ${tableColumns}, $3 FROM (
    SELECT ${tableColumns} FROM submission WHERE website_config_id = $1 AND submission_id = ANY ($2)
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
    INSERT INTO submission (${tableColumns}) SELECT ${tableColumns} FROM found
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
