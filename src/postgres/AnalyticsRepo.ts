/**
 * Stores page views in batches, on a connection of its own.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { type Duration, Effect, Layer, Result } from "effect"
import type { SqlError } from "effect/sql"
import type { PageView } from "../core/PageView.ts"
import { AnalyticsRepo } from "../services/AnalyticsRepo.ts"
import * as BatchMetrics from "./BatchMetrics.ts"
import * as Database from "./Database.ts"
import * as GroupCommit from "./GroupCommit.ts"

export interface Options {
  /** How long a page view waits to be stored. */
  readonly timeout: Duration.Input
  /** How many page views wait for a batch at most. */
  readonly maxQueue: number
}

/** The longest batch: beyond it a commit's price is no longer what counts, and each row waits longer for its own. */
const maxBatch = 1_000

const { OID } = PgTypes

/** The columns that `page_view` and `bot_view` share, with the type of each and where its value comes from. */
const columns: ReadonlyArray<readonly [name: string, oid: number, value: (view: PageView) => unknown]> = [
  ["hosted_website_id", OID.uuid, (view) => view.hostedWebsiteId],
  ["received_at", OID.timestamptz, (view) => view.receivedAt],
  ["path", OID.text, (view) => view.path],
  ["utm_source", OID.text, (view) => view.campaign.source],
  ["utm_medium", OID.text, (view) => view.campaign.medium],
  ["utm_campaign", OID.text, (view) => view.campaign.name],
  ["utm_term", OID.text, (view) => view.campaign.term],
  ["utm_content", OID.text, (view) => view.campaign.content],
  ["referrer_host", OID.text, (view) => view.referrerHost],
  ["referrer_path", OID.text, (view) => view.referrerPath],
  ["device_type", OID.text, (view) => view.deviceType],
  ["screen_width", OID.int2, (view) => view.screenWidth],
  ["session_id", OID.text, (view) => view.sessionId],
  ["browser", OID.text, (view) => view.browser],
  ["os", OID.text, (view) => view.os],
  ["visitor_hash", OID.bytea, (view) => view.visitorHash]
]

const names = columns.map(([name]) => name).join(", ")

/**
 * One statement, hence one transaction, a batch. If the batch's id is there already (its commit went through, and only
 * the answer was lost), it stores nothing and succeeds. A batch that is still being committed elsewhere is waited for.
 */
const statement = `
  WITH batch AS (
    INSERT INTO page_view_batch (batch_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1
  ), view AS MATERIALIZED (
    SELECT * FROM unnest($2, ${columns.map((_, index) => `$${index + 3}`).join(", ")}) AS view (is_bot, ${names})
    WHERE EXISTS (SELECT FROM batch)
  ), bots AS (
    INSERT INTO bot_view (${names}) SELECT ${names} FROM view WHERE is_bot
  )
  INSERT INTO page_view (${names}) SELECT ${names} FROM view WHERE NOT is_bot`

/** Stores a batch under its id, once however often it is asked to. Exported for tests. */
export const storeBatch = (
  sql: PgClient,
  views: ReadonlyArray<PageView>,
  batchId: string
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.asVoid(
    sql.unsafe(statement, [
      PgTypes.uuid(batchId),
      Database.array(
        views.map((view) => view.isBot),
        OID.bool
      ),
      ...columns.map(([, oid, value]) => Database.array(views.map(value), oid))
    ])
  )

/** The live repository. */
export const layer = (options: Options): Layer.Layer<AnalyticsRepo, SqlError.SqlError, PgClient> =>
  Layer.effect(
    AnalyticsRepo,
    Effect.gen(function* () {
      const sql = yield* Database.dedicated
      const { submit } = yield* GroupCommit.make<PageView, void, never>({
        flush: (views, batchId) =>
          storeBatch(sql, views, batchId).pipe(
            Effect.mapError(Database.refusedOrUnavailable),
            Effect.as(views.map(() => Result.void))
          ),
        timeout: options.timeout,
        maxQueue: options.maxQueue,
        maxBatch,
        observer: yield* BatchMetrics.observer("page-views")
      })
      return AnalyticsRepo.of({ append: submit })
    })
  )
