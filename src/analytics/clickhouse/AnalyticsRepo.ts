/**
 * Stores page views in batches. Counted and excluded views have separate tables and batches.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import type { ClickHouse } from "../../platform/clickhouse/ClickHouse.ts"
import type { WritableSites } from "../../sites/WritableSites.ts"
import { AnalyticsRepo } from "../AnalyticsRepo.ts"
import type { PageView } from "../PageView.ts"
import * as Batches from "./Batches.ts"
import * as Columns from "./Columns.ts"

const columns: Batches.Target<PageView>["columns"] = [
  Columns.uuid("hosted_website_id", (view) => view.hostedWebsiteId),
  Columns.time("received_at", (view) => view.receivedAt),
  Columns.text("path", (view) => view.path),
  Columns.textOrNull("utm_source", (view) => view.campaign.source),
  Columns.textOrNull("utm_medium", (view) => view.campaign.medium),
  Columns.textOrNull("utm_campaign", (view) => view.campaign.name),
  Columns.textOrNull("utm_term", (view) => view.campaign.term),
  Columns.textOrNull("utm_content", (view) => view.campaign.content),
  Columns.textOrNull("referrer_host", (view) => view.referrerHost),
  Columns.textOrNull("referrer_path", (view) => view.referrerPath),
  Columns.textOrNull("device_type", (view) => view.deviceType),
  Columns.uint16OrNull("screen_width", (view) => view.screenWidth),
  Columns.textOrNull("session_id", (view) => view.sessionId),
  Columns.textOrNull("browser", (view) => view.browser),
  Columns.textOrNull("os", (view) => view.os),
  Columns.hash("visitor_hash", (view) => view.visitorHash),
  Columns.textOrNull("country", (view) => view.country)
]

/** Estimates the size of a view, in UTF-16 units. Only these parts may be long. */
const weigh = ({ path, referrerPath }: PageView): number => 600 + path.length + (referrerPath?.length ?? 0)

export const counted: Batches.Target<PageView> = { table: "page_view", columns, weigh }

export const excluded: Batches.Target<PageView> = {
  table: "bot_view",
  columns: [...columns, Columns.text("reason", (view) => view.exclusion ?? "bot")],
  weigh
}

export const layer = (options: Batches.Options): Layer.Layer<AnalyticsRepo, never, ClickHouse | WritableSites> =>
  Layer.effect(
    AnalyticsRepo,
    Effect.gen(function* () {
      const countedViews = yield* Batches.make("page-views", counted, options)
      const excludedViews = yield* Batches.make("bot-views", excluded, options)
      return AnalyticsRepo.of({
        append: (view) => (view.exclusion === null ? countedViews : excludedViews).submit(view)
      })
    })
  )
