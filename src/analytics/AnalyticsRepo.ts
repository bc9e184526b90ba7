/**
 * Stores page views and events, and reads them. `analytics/postgres/AnalyticsRepo` and the file of this name below `clickhouse` have the layers on
 * databases.
 *
 * @module
 */
import { Context, Effect, Layer, Stream } from "effect"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import type { Row } from "./AnalyticsExport.ts"
import type { Event } from "./Event.ts"
import type { PageView } from "./PageView.ts"

/** Times are in milliseconds since 1970. */
export interface Query {
  readonly hostedWebsiteId: string
  /** Inclusive. */
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

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
    /**
     * The page views of a website, oldest first, and then its events, oldest first. Page views with an exclusion are
     * left out. Reads as fast as the stream is consumed, in constant memory. A slow reader holds no connection.
     */
    readonly rows: (query: Query) => Stream.Stream<Row, StorageUnavailable>
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
      appendEvent: () => Effect.void,
      rows: ({ from, hostedWebsiteId, to }) =>
        Stream.suspend(() =>
          Stream.fromIterable(
            views
              .filter((view) => view.hostedWebsiteId === hostedWebsiteId && view.exclusion === null)
              .filter(({ receivedAt }) => receivedAt >= from && receivedAt < to)
              .sort((left, right) => left.receivedAt - right.receivedAt)
              .map((view): Row => ({ type: "pageview", view }))
          )
        )
    }
  })
