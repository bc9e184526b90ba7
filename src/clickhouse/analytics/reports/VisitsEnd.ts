/**
 * Finds a time at which all visits that begin before the end of an interval have ended.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import { maxGap } from "../../../core/analytics/report/Visits.ts"
import { hourMillis } from "../../../core/text/Calendar.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import type { ClickHouseError } from "../../Errors.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as VisitSql from "./VisitSql.ts"

const Rows = Schema.Tuple([Schema.Struct({ lastRow: Schema.Finite })])

/**
 * Selects the time of the latest row before `until` that belongs to a visit with a row in the half hour before `end`; 0 if there
 * is no such visit.
 */
const statement = (parameters: Parameters, site: string, end: number, until: number): string => {
  const rows = VisitSql.keysIn(site, parameters.time(end - maxGap), parameters.time(until))
  return `SELECT max(arrayMax(arrayFilter(
        (time, gaps) -> gaps = 0, times, arrayCumSum(arrayMap(gap -> gap > ${maxGap}, arrayDifference(times)))
      ))) AS lastRow
    FROM (SELECT arraySort(groupArray(at)) AS times FROM (${rows}) GROUP BY key)
    WHERE times[1] < toUnixTimestamp64Milli(${parameters.time(end)})`
}

/** A time by which every visit that begins before the end of the interval has ended. */
export const of = (
  reader: Reader,
  hostedWebsiteId: string,
  { end }: Interval
): Effect.Effect<number, ClickHouseError> => {
  const extend = (length: number): Effect.Effect<number, ClickHouseError> => {
    const until = end + length
    const parameters = new Parameters()
    return reader.read(statement(parameters, parameters.uuid(hostedWebsiteId), end, until), parameters).pipe(
      decodeRows(Rows),
      Effect.flatMap(([{ lastRow }]) =>
        // A row after `until` may continue the visit.
        lastRow + maxGap >= until ? extend(4 * length) : Effect.succeed(Math.max(end, lastRow + 1))
      )
    )
  }
  return extend(hourMillis)
}
