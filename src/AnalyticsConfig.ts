/**
 * The settings of a separate store of page views and events.
 *
 * @module
 */
import { Duration, Redacted, Result } from "effect"
import * as AnalyticsUrl from "./platform/clickhouse/AnalyticsUrl.ts"
import { duration, parsed, withDefault } from "./platform/settings/Setting.ts"

export const fields = {
  /**
   * `clickhouse://user:password@host:8123/database`, or `clickhouses://`: the store of page views, events and conversions.
   * Without it they are in the database of `DATABASE_URL`.
   */
  analyticsUrl: parsed("ANALYTICS_URL", (value) =>
    Result.map(AnalyticsUrl.parse(value), (address) => Redacted.make(address))
  ),
  /** The minimum time between two batches of a kind that a process sends to ClickHouse. A page view waits for its batch. */
  analyticsInterval: duration("ANALYTICS_INTERVAL").pipe(withDefault(Duration.millis(500)))
}
