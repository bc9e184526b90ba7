/**
 * Stores page views. The interface only; see the files of this name below `postgres` and `clickhouse`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import type { PageView } from "./PageView.ts"

export class AnalyticsRepo extends Context.Service<
  AnalyticsRepo,
  {
    /**
     * Succeeds after the page view is durable. A view with an `exclusion` is stored separately and not counted in reports.
     * A view of a website that does not exist is refused.
     */
    readonly append: (view: PageView) => Effect.Effect<void, StorageUnavailable | RecordRefused>
  }
>()("hydracore/analytics/AnalyticsRepo") {}
