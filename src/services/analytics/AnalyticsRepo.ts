/**
 * Stores page views. The interface alone; see `memory/analytics/AnalyticsRepo` and `postgres/analytics/AnalyticsRepo`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { PageView } from "../../core/analytics/PageView.ts"
import type { RecordRefused, StorageUnavailable } from "../Storage.ts"

export class AnalyticsRepo extends Context.Service<
  AnalyticsRepo,
  {
    /**
     * Succeeds after the page view is durable, and only then. A view with `isBot` is stored apart and is not counted by
     * any report. One whose website is not there, or not any more, is refused.
     */
    readonly append: (view: PageView) => Effect.Effect<void, StorageUnavailable | RecordRefused>
  }
>()("hydracore/services/AnalyticsRepo") {}
