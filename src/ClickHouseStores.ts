/**
 * All services that ClickHouse provides, over one client.
 *
 * @module
 */
import { type Duration, Layer, type Redacted } from "effect"
import * as SiteActivity from "./activity/clickhouse/SiteActivity.ts"
import * as AnalyticsRepo from "./analytics/clickhouse/AnalyticsRepo.ts"
import type * as Batches from "./analytics/clickhouse/Batches.ts"
import * as SeparateStore from "./analytics/clickhouse/SeparateStore.ts"
import * as Reports from "./analytics/reports/clickhouse/Reports.ts"
import * as RollUpLoop from "./analytics/reports/clickhouse/RollUpLoop.ts"
import type { Address } from "./platform/clickhouse/AnalyticsUrl.ts"
import * as ClickHouse from "./platform/clickhouse/ClickHouse.ts"

export interface Options extends Batches.Options {
  readonly address: Redacted.Redacted<Address>
  /** The maximum number of open connections of this process, besides those for batches (`maxBatches`). */
  readonly connections: number
  /** The timeout of a report. */
  readonly reportTimeout: Duration.Input
}

/** The maximum number of concurrent batches of a process: one each of counted page views, excluded page views and events. */
export const maxBatches = 3

export const make = (options: Options) => {
  const { address, connections, reportTimeout, timeout } = options
  const client = ClickHouse.layer({ address, connections: connections + maxBatches })
  return {
    /** For the layers of PostgreSQL. */
    separate: SeparateStore.layer({ timeout }).pipe(Layer.provide(client)),
    /** PostgreSQL provides what they need: writable websites and goals; submissions and conversations of the activity. */
    repositories: Layer.mergeAll(
      AnalyticsRepo.layer(options),
      SiteActivity.layer({ timeout }),
      Reports.layer({ timeout: reportTimeout }),
      RollUpLoop.layer
    ).pipe(Layer.provide(client))
  }
}
