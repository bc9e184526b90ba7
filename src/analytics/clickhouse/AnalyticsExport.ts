/**
 * Reads page views and events from ClickHouse, page by page, so that a slow reader of an export holds no connection and a
 * bounded number of bytes.
 *
 * @module
 */
import { type Duration, Effect, Option, Schema, Stream } from "effect"
import { bounded, type ClickHouse } from "../../platform/clickhouse/ClickHouse.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { Query } from "../AnalyticsRepo.ts"
import * as AnalyticsRows from "../AnalyticsRows.ts"
import * as StoredView from "../StoredView.ts"

/**
 * The number of rows that a statement reads at least, if there are as many. Each statement reads all rows of the first day of its
 * period, and rows are parsed without a break.
 */
const pageSize = 5_000

/** The maximum size of a page in bytes, by its large columns: a row can have 70 kB. A page has all rows of its first millisecond. */
export const pageBytes = 1_000_000

/**
 * All rows of a millisecond, the precision of the times, are on one page. The order begins with the day, by which the tables are
 * sorted, so that a page reads only the rows of its days.
 */
const ofPeriod = `WHERE hosted_website_id = {site:UUID}
  AND received_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
  ORDER BY toDate(received_at), received_at LIMIT ${pageSize} WITH TIES`

const at = "toUnixTimestamp64Milli(received_at) AS at"

const hash = "replaceAll(toString(visitor_hash), '-', '') AS visitor_hash"

/** The rows of a page with `found`, the number of rows that were read for it. */
const pageOf = (columns: string, table: string, size: string): string => `SELECT * EXCEPT (size_until, first_at) FROM (
    SELECT *, count() OVER () AS found, min(at) OVER () AS first_at,
      sum(${size}) OVER (ORDER BY at RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS size_until
    FROM (SELECT ${columns} FROM ${table} ${ofPeriod})
  ) WHERE size_until <= ${pageBytes} OR at = first_at ORDER BY at`

const selected = (columns: ReadonlyArray<Pick<StoredView.Column<never>, "name" | "type">>): string =>
  [at, ...columns.map(({ name, type }) => (type === "hash" ? hash : name))].join(", ")

/** The columns of page views that `AnalyticsRows.decodeView` decodes. */
export const viewColumns = selected(StoredView.columns)

/** The columns of events that `AnalyticsRows.decodeEvent` decodes. */
export const eventColumns = `${selected(StoredView.commonColumns)}, name, properties, toFloat64(revenue_amount) AS revenue_amount, revenue_currency, is_interactive`

const viewsStatement = pageOf(viewColumns, "page_view", "length(path) + length(coalesce(referrer_path, ''))")

const eventsStatement = pageOf(eventColumns, "event", "length(path) + length(coalesce(properties, ''))")

/** Limits a time to a range that ClickHouse can represent. */
const clamp = (millis: number): number => Math.min(Math.max(Math.trunc(millis), 0), Date.UTC(2149, 0))

const Ends = Schema.Array(Schema.Struct({ at: Schema.Finite, found: Schema.Int }))

/** The rows that `AnalyticsRepo.rows` reads. `timeout` is that of each page. */
export const rowsOf = (
  { query }: ClickHouse["Service"],
  timeout: Duration.Input,
  { from, hostedWebsiteId, to }: Query
) => {
  const read = (statement: string, decode: typeof AnalyticsRows.decodeView) =>
    Stream.paginate(
      clamp(from),
      Effect.fnUntraced(function* (begin) {
        const rows = yield* query(statement, {
          parameters: { site: hostedWebsiteId, from: begin, to: clamp(to) }
        }).pipe(bounded(timeout))
        const [last] = yield* decodeRows(Ends)(Effect.succeed(rows.slice(-1)))
        const isEnd = last === undefined || (last.found < pageSize && rows.length === last.found)
        const decoded = yield* Effect.forEach(rows, (row) => decode(row, hostedWebsiteId))
        return [decoded, isEnd ? Option.none() : Option.some(last.at + 1)] as const
      })
    )
  return Stream.concat(read(viewsStatement, AnalyticsRows.decodeView), read(eventsStatement, AnalyticsRows.decodeEvent))
}
