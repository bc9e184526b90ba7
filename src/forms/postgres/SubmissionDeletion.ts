/**
 * Deletes submissions of a website.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"

/**
 * Deletes submissions of a website with their idempotency keys and their data in deliveries, in one transaction. The query for
 * the keys names the website, because their index begins with it. The keys are deleted first, in the lock order of
 * `SubmissionRepo.submit`, to avoid a deadlock.
 */
export const run = (
  sql: SqlClient.SqlClient,
  websiteConfigId: WebsiteConfigId,
  submissionIds: ReadonlyArray<string>
): Effect.Effect<void, SqlError.SqlError> =>
  sql`WITH held AS MATERIALIZED (
      SELECT website_config_id, key_sha256 FROM idempotency_key WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}
        AND submission_id = ANY (${Database.array(submissionIds, PgTypes.OID.uuid)}) ORDER BY key_sha256 FOR UPDATE
    )
    DELETE FROM idempotency_key USING held WHERE idempotency_key.website_config_id = held.website_config_id
      AND idempotency_key.key_sha256 = held.key_sha256`.pipe(
    Effect.andThen(Outbox.deleteSubmissions(sql, submissionIds)),
    sql.withTransaction,
    Rounds.waking("events")
  )
