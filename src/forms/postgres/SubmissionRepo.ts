/**
 * Stores form submissions in batches, once per idempotency key.
 *
 * @module
 */
import { hash } from "node:crypto"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { type Duration, Effect, Layer, Result, Schema } from "effect"
import type { SqlError } from "effect/sql"
import * as Batches from "../../platform/batch/Batches.ts"
import { SubmissionId } from "../../platform/Id.ts"
import * as Columns from "../../platform/postgres/Columns.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { RecordRefused } from "../../platform/Storage.ts"
import { idempotencyWindowMillis, type SubmissionDraft } from "../Submission.ts"
import { IdempotencyConflict, SubmissionRepo } from "../SubmissionRepo.ts"

export interface Options {
  /** The time limit of a submission. */
  readonly timeout: Duration.Input
  /** The maximum number of queued submissions. */
  readonly maxQueue: number
  /** Whether batches of sampled requests are traced. */
  readonly traced?: boolean
}

/** Batches and the queue are also bounded by size: a submission can be hundreds of kilobytes long. */
const bounds = { maxBatch: 500, maxBatchWeight: 4 * 2 ** 20, maxQueueWeight: 64 * 2 ** 20 } as const

/** A submission's size in UTF-16 units: its texts, and an estimate for its other fields. */
const weigh = ({ email, formData, idempotency, pageSlug }: SubmissionDraft): number =>
  200 + formData.length + (email?.length ?? 0) + (pageSlug?.length ?? 0) + (idempotency?.key.length ?? 0)

/** SHA-256 of an idempotency key, in hexadecimal: a fixed-length index key for a client's text. */
const digest = ({ idempotency }: SubmissionDraft): string | null =>
  idempotency === null ? null : hash("sha256", idempotency.key)

const columns: ReadonlyArray<Columns.Column<SubmissionDraft>> = [
  Columns.uuid("submission_id", (draft) => draft.submissionId),
  Columns.uuid("website_config_id", (draft) => draft.websiteConfigId),
  Columns.timestamptz("received_at", (draft) => draft.receivedAt),
  Columns.text("email", (draft) => draft.email),
  Columns.text("page_slug", (draft) => draft.pageSlug),
  // Sent as text, which has the same bytes as json.
  Columns.text("form_data", (draft) => draft.formData),
  Columns.bytea("key_sha256", digest),
  Columns.text("fingerprint", (draft) => draft.idempotency?.fingerprint ?? null),
  Columns.text("status", (draft) => draft.status),
  // Joined, since `unnest` flattens an array of arrays.
  Columns.text("reasons", (draft) => draft.reasons.join(",")),
  Columns.text("visitor_hashes", (draft) => draft.visitorHashes.join(",")),
  Columns.uuid("instance_id", (draft) => draft.conversation?.instanceId ?? null),
  Columns.text("conversation_id", (draft) => draft.conversation?.conversationId ?? null)
]

/** The assignment that sets a column of a stored key to the new draft's value, if the key has expired. */
const claimed = (column: string) => `
      ${column} = CASE WHEN held.used_at < excluded.used_at - interval '${idempotencyWindowMillis} milliseconds'
        THEN excluded.${column} ELSE held.${column} END`

/**
 * One statement, and so one transaction, per batch. A draft with a key first claims the key. The key's row then names one
 * submission: this draft, a concurrent draft of another process (the claim waits for it), or an earlier submission. A draft with
 * a key is stored only if the key's row names it. A retried batch finds its own claims and rows and changes nothing. A submission
 * with visitor hashes also leaves a pending lead (see `Leads`). The stored submissions of a website with subscribers
 * leave their events in `submission_outbox`, in one row per website and status.
 *
 * Keys are claimed in sorted order, so that two processes cannot deadlock.
 *
 * Drafts of a deleted website, or of one being deleted, are skipped and returned. The foreign key would instead fail the whole
 * batch, which would then be halved again and again: one client that sends to a deleted website would slow down all others.
 * The websites are locked against deletion until the commit.
 */
const statement = `
  WITH draft AS MATERIALIZED (
    SELECT * FROM unnest(${columns.map((_, index) => `$${index + 1}`).join(", ")})
      AS draft (${columns.map(({ name }) => name).join(", ")})
  ), website AS MATERIALIZED (
    SELECT site.website_config_id, hosted_website_id, has_subscribers FROM (SELECT DISTINCT website_config_id FROM draft) AS named
    JOIN site USING (website_config_id) WHERE site.deleted_at IS NULL ORDER BY 1 FOR KEY SHARE OF site
  ), claim AS (
    INSERT INTO idempotency_key AS held
      (website_config_id, key_sha256, fingerprint, submission_id, used_at)
    SELECT website_config_id, key_sha256, fingerprint, submission_id, received_at
    FROM draft JOIN website USING (website_config_id) WHERE key_sha256 IS NOT NULL ORDER BY website_config_id, key_sha256
    ON CONFLICT (website_config_id, key_sha256) DO UPDATE SET
      ${["fingerprint", "submission_id", "used_at"].map(claimed).join(",")}
    RETURNING website_config_id, key_sha256, fingerprint, submission_id
  ), stored AS (
    INSERT INTO submission
      (submission_id, website_config_id, received_at, email, page_slug, form_data, status, reasons, instance_id,
        conversation_id)
    SELECT draft.submission_id, website_config_id, received_at, email, page_slug, form_data::json,
      status, string_to_array(reasons, ','), instance_id, conversation_id
    FROM draft JOIN website USING (website_config_id) LEFT JOIN claim USING (website_config_id, key_sha256)
    WHERE key_sha256 IS NULL OR claim.submission_id = draft.submission_id
    ON CONFLICT (submission_id) DO NOTHING RETURNING submission_id, website_config_id, status, received_at
  ), lead AS (
    INSERT INTO pending_lead (lead_id, kind, hosted_website_id, visitor_hashes, received_at)
    SELECT submission_id, 'form', hosted_website_id, string_to_array(visitor_hashes, ','), draft.received_at
    FROM stored JOIN draft USING (submission_id) JOIN website ON website.website_config_id = stored.website_config_id
    WHERE visitor_hashes <> ''
  ), event AS (
    INSERT INTO submission_outbox (website_config_id, type, created_at, submission_ids)
    SELECT website_config_id, 'submission.' || status, min(received_at), array_agg(submission_id)
    FROM stored JOIN website USING (website_config_id) WHERE has_subscribers GROUP BY website_config_id, status
  )
  SELECT draft.submission_id AS draft_id, claim.fingerprint, claim.submission_id
  FROM draft JOIN claim USING (website_config_id, key_sha256)
  UNION ALL
  SELECT submission_id, NULL, NULL FROM draft
  WHERE NOT EXISTS (SELECT FROM website WHERE website.website_config_id = draft.website_config_id)`

/** For a draft with a key: the key's submission and fingerprint. For a draft of a deleted website: nulls. */
const Rows = Schema.Array(
  Schema.Struct({
    draft_id: Schema.String,
    fingerprint: Schema.NullOr(Schema.String),
    submission_id: Schema.NullOr(SubmissionId)
  })
)

type Outcome = Result.Result<SubmissionId, IdempotencyConflict | RecordRefused>

/**
 * Stores a batch and returns the outcome of each draft. Of several drafts with the same key, only the first is sent. All of them
 * are compared with the submission that the key then names, even if the key expired between the first draft and a later one.
 * Idempotent. `sql` must be a client with `Columns.types`. Exported for tests.
 */
export const storeBatch = (
  sql: PgClient,
  drafts: ReadonlyArray<SubmissionDraft>
): Effect.Effect<ReadonlyArray<Outcome>, SqlError.SqlError | RecordRefused> =>
  Effect.suspend((): Effect.Effect<ReadonlyArray<Outcome>, SqlError.SqlError | RecordRefused> => {
    const keyOf = (draft: SubmissionDraft) =>
      draft.idempotency === null ? null : JSON.stringify([draft.websiteConfigId, draft.idempotency.key])
    const firsts = new Map<string, SubmissionDraft>()
    const sent = drafts.filter((draft) => {
      const key = keyOf(draft)
      if (key === null) return true
      if (firsts.has(key)) return false
      firsts.set(key, draft)
      return true
    })
    const written = Columns.parameters(columns, sent)
    if (Result.isFailure(written)) return Effect.fail(new RecordRefused({ cause: written.failure }))
    return sql.unsafe(statement, written.success).pipe(
      decodeRows(Rows),
      Effect.map((rows) => {
        const byDraft = new Map(rows.map((row) => [row.draft_id, row]))
        return drafts.map((draft): Outcome => {
          const key = keyOf(draft)
          const row = byDraft.get(key === null ? draft.submissionId : (firsts.get(key)?.submissionId ?? ""))
          if (row?.submission_id === null) return Result.fail(new RecordRefused({ reason: "unknown-site" }))
          if (key === null) return Result.succeed(draft.submissionId)
          return row !== undefined && row.fingerprint === draft.idempotency?.fingerprint
            ? Result.succeed(row.submission_id)
            : Result.fail(new IdempotencyConflict())
        })
      })
    )
  })

export const layer = (options: Options): Layer.Layer<SubmissionRepo, SqlError.SqlError, PgClient> =>
  Layer.effect(
    SubmissionRepo,
    Effect.gen(function* () {
      const batches = yield* Columns.client
      const health = yield* Batches.WriteHealth
      const { submit } = yield* Batches.make<SubmissionDraft, SubmissionId, IdempotencyConflict | RecordRefused>(
        "submissions",
        {
          flush: (drafts) =>
            storeBatch(batches, drafts).pipe(
              Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error))),
              Rounds.waking("events", "leads")
            ),
          timeout: options.timeout,
          maxQueue: options.maxQueue,
          weigh,
          ...bounds
        },
        { health, traced: options.traced }
      )
      return SubmissionRepo.of({ submit })
    })
  ).pipe(Layer.provide(Batches.layerHealth))
