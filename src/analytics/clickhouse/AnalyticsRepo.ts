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
import * as StoredView from "../StoredView.ts"
import * as Batches from "./Batches.ts"
import * as Columns from "./Columns.ts"

const columns: Batches.Target<PageView>["columns"] = [
  Columns.uuid("hosted_website_id", (view) => view.hostedWebsiteId),
  Columns.time("received_at", (view) => view.receivedAt),
  ...StoredView.columns.map(Columns.ofStored<PageView>)
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
