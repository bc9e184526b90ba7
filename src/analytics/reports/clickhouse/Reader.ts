/**
 * Runs the statements of a report within its limits of time and memory, and keeps the visits that were computed last.
 *
 * @module
 */
import type { Effect } from "effect"
import type { ClickHouse, Settings } from "../../../platform/clickhouse/ClickHouse.ts"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import type * as Visits from "../Visits.ts"
import type { Parameters } from "./Parameters.ts"
import type * as VisitSql from "./VisitSql.ts"

/** The visits of some days that are not stored, computed in this process; see `VisitDays.Plan` for the days. */
export interface ComputedVisits {
  /** Those of the raw parts. */
  readonly raw: ReadonlyArray<Visits.Visit>
  /** Those of the days that go on. */
  readonly open: ReadonlyArray<Visits.Visit>
  /** The session keys of `open`. Their stored visits are not current. */
  readonly keys: ReadonlyArray<string>
  /** The stored visits of these keys. */
  readonly replaced: ReadonlyArray<Visits.Visit>
  /**
   * Whether no visitor hash of these keys is one of a visit with another key, so that their visitors can be added to those of the
   * other visits.
   */
  readonly areSeparate: boolean
}

export interface Reader {
  /** Runs a statement and returns its rows, which are not decoded yet. */
  readonly read: (statement: string, parameters: Parameters) => Effect.Effect<ReadonlyArray<unknown>, ClickHouseError>
  /**
   * With at most so many page views, events and conversions to be grouped into visits, and so many session keys, the visits are
   * computed in this process; see `FewVisits`.
   */
  readonly fewRows: number
  /** The visits that were computed last in this process, by website, and the state of the website's rows then. */
  readonly kept: Map<string, { readonly state: string; readonly visits: ComputedVisits }>
  /** Called with the days whose visits are not stored. A report computes those visits from page views and events. */
  readonly onUnstored: (site: VisitSql.ZonedSite, parts: ReadonlyArray<VisitSql.Days>) => void
}

export interface Limits {
  /** Maximum duration of a statement at the server, in seconds. */
  readonly seconds: number
  /** Maximum memory of a statement at the server, in bytes. */
  readonly memory: number
}

/** The settings with which the server ends a statement that exceeds the limits. */
export const settingsOf = ({ memory, seconds }: Limits): Settings => ({
  max_execution_time: seconds,
  timeout_overflow_mode: "throw",
  max_memory_usage: String(memory),
  // All rows of a website are on one shard, also those of subqueries.
  optimize_skip_unused_shards: 1,
  distributed_product_mode: "local"
})

export const make = (
  { query }: ClickHouse["Service"],
  limits: Limits,
  { fewRows = 1_000, onUnstored = () => {} }: Partial<Omit<Reader, "read" | "kept">> = {}
): Reader => {
  const settings = settingsOf(limits)
  return {
    read: (statement, parameters) => query(statement, { parameters: parameters.values, settings }),
    fewRows,
    kept: new Map(),
    onUnstored
  }
}
