/**
 * SQL that reads times, in milliseconds since 1970.
 *
 * @module
 */
import { SqlClient } from "effect/sql"
import * as Rows from "../runtime/Rows.ts"

/** The value of a `timestamptz` column in milliseconds, rounded down. */
export const millis = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`

/** `millis`, as an output column of a query. */
export const millisAs = (column: string, name: string): string => `${millis(column)} AS "${name}"`

/** The time by which stored data expires. */
export const earlierNow = SqlClient.SqlClient.use((sql) =>
  Rows.earlierTime(sql.unsafe(`SELECT ${millisAs("clock_timestamp()", "now")}`))
)
