/**
 * Reads stored page views and events. The interface only; see the files of this name below `postgres` and `clickhouse`.
 *
 * @module
 */
import { Context, type Stream } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Row } from "./ExportRow.ts"

/** Times are in milliseconds since 1970. */
export interface Query {
  readonly hostedWebsiteId: string
  /** Inclusive. */
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

export class AnalyticsExport extends Context.Service<
  AnalyticsExport,
  {
    /**
     * The page views of a hosted website, oldest first, and then its events, oldest first. Page views with an exclusion are
     * left out. Reads as fast as the stream is consumed, in constant memory. A slow reader holds no connection.
     */
    readonly rows: (query: Query) => Stream.Stream<Row, StorageUnavailable>
  }
>()("hydracore/analytics/AnalyticsExport") {}
