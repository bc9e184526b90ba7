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
import { RecordRefused } from "../services/Storage.ts"
import * as BatchMetrics from "./BatchMetrics.ts"
import * as Columns from "./Columns.ts"
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

/** The columns that `page_view` and `bot_view` share. */
const columns: ReadonlyArray<Columns.Column<PageView>> = [
  Columns.uuid("hosted_website_id", (view) => view.hostedWebsiteId),
  Columns.timestamptz("received_at", (view) => view.receivedAt),
  Columns.text("path", (view) => view.path),
  Columns.text("utm_source", (view) => view.campaign.source),
  Columns.text("utm_medium", (view) => view.campaign.medium),
  Columns.text("utm_campaign", (view) => view.campaign.name),
  Columns.text("utm_term", (view) => view.campaign.term),
  Columns.text("utm_content", (view) => view.campaign.content),
  Columns.text("referrer_host", (view) => view.referrerHost),
  Columns.text("referrer_path", (view) => view.referrerPath),
  Columns.text("device_type", (view) => view.deviceType),
  Columns.int2("screen_width", (view) => view.screenWidth),
  Columns.text("session_id", (view) => view.sessionId),
  Columns.text("browser", (view) => view.browser),
  Columns.text("os", (view) => view.os),
  Columns.bytea("visitor_hash", (view) => view.visitorHash)
]

/** What a batch is sent as. */
const sent = [Columns.bool<PageView>("is_bot", (view) => view.isBot), ...columns]

const names = columns.map(({ name }) => name).join(", ")

/**
 * One statement, hence one transaction, a batch. If the batch's id is there already (its commit went through, and only
 * the answer was lost), it stores nothing and succeeds. A batch that is still being committed elsewhere is waited for.
 */
const statement = `
  WITH batch AS (
    INSERT INTO page_view_batch (batch_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1
  ), view AS MATERIALIZED (
    SELECT * FROM unnest(${sent.map((_, index) => `$${index + 2}`).join(", ")}) AS view (is_bot, ${names})
    WHERE EXISTS (SELECT FROM batch)
  ), bots AS (
    INSERT INTO bot_view (${names}) SELECT ${names} FROM view WHERE is_bot
  )
  INSERT INTO page_view (${names}) SELECT ${names} FROM view WHERE NOT is_bot`

/** Stores a batch under its id, once however often it is asked to; with a `Columns.client`. Exported for tests. */
export const storeBatch = (
  sql: PgClient,
  views: ReadonlyArray<PageView>,
  batchId: string
): Effect.Effect<void, SqlError.SqlError | RecordRefused> =>
  Effect.suspend((): Effect.Effect<void, SqlError.SqlError | RecordRefused> => {
    const written = Columns.parameters(sent, views)
    return Result.isFailure(written)
      ? Effect.fail(new RecordRefused({ cause: written.failure }))
      : Effect.asVoid(sql.unsafe(statement, [PgTypes.uuid(batchId), ...written.success]))
  })

/** The live repository. */
export const layer = (options: Options): Layer.Layer<AnalyticsRepo, SqlError.SqlError, PgClient> =>
  Layer.effect(
    AnalyticsRepo,
    Effect.gen(function* () {
      const sql = yield* Columns.client
      const { submit } = yield* GroupCommit.make<PageView, void, never>({
        flush: (views, batchId) =>
          storeBatch(sql, views, batchId).pipe(
            Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error))),
            Effect.map(() => views.map(() => Result.void))
          ),
        timeout: options.timeout,
        maxQueue: options.maxQueue,
        maxBatch,
        observer: yield* BatchMetrics.observer("page-views")
      })
      return AnalyticsRepo.of({ append: submit })
    })
  )
