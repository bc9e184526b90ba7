/**
 * Stores page views and events. `analytics/postgres/AnalyticsRepo` and the file of this name below `clickhouse` have the layers on
 * databases.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import type { Event } from "./Event.ts"
import type { PageView } from "./PageView.ts"

export class AnalyticsRepo extends Context.Service<
  AnalyticsRepo,
  {
    /**
     * Succeeds after the page view is durable. A view with an `exclusion` is stored separately and not counted in reports.
     * A view of a website that does not exist is refused.
     */
    readonly append: (view: PageView) => Effect.Effect<void, StorageUnavailable | RecordRefused>
    /** Succeeds after the event is durable. An event of a website that does not exist is refused. */
    readonly appendEvent: (event: Event) => Effect.Effect<void, StorageUnavailable | RecordRefused>
  }
>()("hydracore/analytics/AnalyticsRepo") {}

/**
 * Stores page views in the memory of this process: the latest `capacity`, by default 100,000, in no particular order in `views`. Stores
 * no events.
 */
export const layerMemory = (options?: {
  readonly capacity?: number
  readonly views?: Array<PageView>
}): Layer.Layer<AnalyticsRepo> =>
  Layer.sync(AnalyticsRepo, () => {
    const { capacity = 100_000, views = [] } = options ?? {}
    let next = 0
    return {
      append: (view) =>
        Effect.sync(() => {
          views[next] = view
          next = (next + 1) % capacity
        }),
      appendEvent: () => Effect.void
    }
  })
