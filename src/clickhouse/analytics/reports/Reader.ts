/**
 * Reads the rows of a report's statement with the limits of reports.
 *
 * @module
 */
import type { Effect } from "effect"
import type { ClickHouse, Settings } from "../../ClickHouse.ts"
import type { ClickHouseError } from "../../Errors.ts"
import type { Parameters } from "./Parameters.ts"

/** Runs a statement and returns its rows, which are not decoded yet. */
export type Reader = (
  statement: string,
  parameters: Parameters
) => Effect.Effect<ReadonlyArray<unknown>, ClickHouseError>

export interface Limits {
  /** Seconds that the server may take for a statement. */
  readonly seconds: number
  /** Bytes of the server's memory for a statement. */
  readonly memory: number
}

/** The server ends a statement that exceeds the limits. */
export const make = ({ query }: ClickHouse["Service"], { memory, seconds }: Limits): Reader => {
  const settings: Settings = {
    max_execution_time: seconds,
    timeout_overflow_mode: "throw",
    max_memory_usage: String(memory),
    // A report of one website reads one shard, and its subqueries the same one.
    optimize_skip_unused_shards: 1,
    distributed_product_mode: "local"
  }
  return (statement, parameters) => query(statement, { parameters: parameters.values, settings })
}
