/**
 * Reads page views and events from ClickHouse as fast as they are consumed.
 *
 * @module
 */
import { Effect, Layer, Stream } from "effect"
import * as AnalyticsRows from "../../runtime/AnalyticsRows.ts"
import { AnalyticsExport, type Query } from "../../services/analytics/AnalyticsExport.ts"
import { ClickHouse } from "../ClickHouse.ts"
import * as Errors from "../Errors.ts"

const ofPeriod = `WHERE hosted_website_id = {site:UUID}
  AND received_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
  ORDER BY received_at`

const common = `toUnixTimestamp64Milli(received_at) AS at, path, session_id,
  replaceAll(toString(visitor_hash), '-', '') AS hash, device_type, browser, os, country`

const viewsStatement = `SELECT ${common}, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
    referrer_host, referrer_path, screen_width FROM page_view ${ofPeriod}`

const eventsStatement = `SELECT ${common}, name, properties, toFloat64(revenue_amount) AS revenue_amount, revenue_currency,
    is_interactive FROM event ${ofPeriod}`

/** Cuts a time to the range that ClickHouse can represent. */
const clamp = (millis: number): number => Math.min(Math.max(Math.trunc(millis), 0), Date.UTC(2149, 0))

export const layer: Layer.Layer<AnalyticsExport, never, ClickHouse> = Layer.effect(
  AnalyticsExport,
  Effect.map(ClickHouse, ({ stream }) => {
    const read = (statement: string, decode: typeof AnalyticsRows.decodeView, { from, hostedWebsiteId, to }: Query) =>
      stream(statement, { parameters: { site: hostedWebsiteId, from: clamp(from), to: clamp(to) } }).pipe(
        Stream.mapError(Errors.unavailable),
        Stream.mapEffect((row) => decode(row, hostedWebsiteId))
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
