/**
 * SQL that reads times, in milliseconds since 1970.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { SqlClient, type Statement } from "effect/sql"
import * as Rows from "../runtime/Rows.ts"

/** The value of a `timestamptz` column in milliseconds, rounded down. */
export const millis = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`

/** `millis`, as an output column of a query. */
export const millisAs = (column: string, name: string): string => `${millis(column)} AS "${name}"`

/**
 * The time of a position in a list, whose row `from` finds. The position has milliseconds, and the row may have microseconds if another
 * program stored it. If the row was deleted, or has another time now, this is the time of the position.
 */
export const ofPosition = (
  sql: SqlClient.SqlClient,
  column: string,
  from: Statement.Fragment,
  time: number
): Statement.Fragment => {
  const [given, at] = [PgTypes.timestamptz(time), sql.literal(column)]
  return sql`coalesce((SELECT ${at} ${from} AND ${at} > ${given} - interval '1 millisecond'
    AND ${at} < ${given} + interval '1 millisecond'), ${given})`
}

/** The time by which stored data expires. */
export const earlierNow = SqlClient.SqlClient.use((sql) =>
  Rows.earlierTime(sql.unsafe(`SELECT ${millisAs("clock_timestamp()", "now")}`))
)
