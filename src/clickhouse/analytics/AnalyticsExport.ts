/**
 * Reads page views and events from ClickHouse, page by page, so that a slow reader of an export holds no connection.
 *
 * @module
 */
import { type Duration, Effect, Layer, Option, Schema, Stream } from "effect"
import * as AnalyticsRows from "../../runtime/AnalyticsRows.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import { AnalyticsExport, type Query } from "../../services/analytics/AnalyticsExport.ts"
import { bounded, ClickHouse } from "../ClickHouse.ts"

/** The minimum number of rows of every page except the last. */
const pageSize = 10_000

/**
 * All rows of a millisecond, the precision of the times, are on one page. The order begins with the day, by which the tables are
 * sorted, so that a page reads only the rows of its days.
 */
const ofPeriod = `WHERE hosted_website_id = {site:UUID}
  AND received_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
  ORDER BY toDate(received_at), received_at LIMIT ${pageSize} WITH TIES`

const common = `toUnixTimestamp64Milli(received_at) AS at, path, session_id,
  replaceAll(toString(visitor_hash), '-', '') AS hash, device_type, browser, os, country`

const viewsStatement = `SELECT ${common}, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
    referrer_host, referrer_path, screen_width FROM page_view ${ofPeriod}`

const eventsStatement = `SELECT ${common}, name, properties, toFloat64(revenue_amount) AS revenue_amount, revenue_currency,
    is_interactive FROM event ${ofPeriod}`

/** Limits a time to a range that ClickHouse can represent. */
const clamp = (millis: number): number => Math.min(Math.max(Math.trunc(millis), 0), Date.UTC(2149, 0))

const Times = Schema.Array(Schema.Struct({ at: Schema.Finite }))

export interface Options {
  /** The timeout of each page. */
  readonly timeout: Duration.Input
}

export const layer = ({ timeout }: Options): Layer.Layer<AnalyticsExport, never, ClickHouse> =>
  Layer.effect(
    AnalyticsExport,
    Effect.map(ClickHouse, ({ query }) => {
      const read = (statement: string, decode: typeof AnalyticsRows.decodeView, { from, hostedWebsiteId, to }: Query) =>
        Stream.paginate(
          clamp(from),
          Effect.fnUntraced(function* (begin) {
            const rows = yield* query(statement, {
              parameters: { site: hostedWebsiteId, from: begin, to: clamp(to) }
            }).pipe(bounded(timeout))
            const [last] = yield* decodeRows(Times)(Effect.succeed(rows.length < pageSize ? [] : rows.slice(-1)))
            const decoded = yield* Effect.forEach(rows, (row) => decode(row, hostedWebsiteId))
            return [decoded, Option.map(Option.fromUndefinedOr(last), ({ at }) => at + 1)] as const
          })
        )
      return AnalyticsExport.of({
        rows: (query) =>
          Stream.concat(
            read(viewsStatement, AnalyticsRows.decodeView, query),
            read(eventsStatement, AnalyticsRows.decodeEvent, query)
          )
      })
    })
  )
