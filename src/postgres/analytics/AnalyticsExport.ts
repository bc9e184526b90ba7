/**
 * Reads page views and events from PostgreSQL through a portal, so that neither side holds more than a batch of them.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Layer, Stream } from "effect"
import * as AnalyticsRows from "../../runtime/AnalyticsRows.ts"
import { AnalyticsExport, type Query } from "../../services/analytics/AnalyticsExport.ts"
import * as Database from "../Database.ts"

const common = `floor(extract(epoch FROM received_at) * 1000)::float8 AS at, path, session_id,
  encode(visitor_hash, 'hex') AS hash, device_type, browser, os, country`

const ofPeriod = "WHERE hosted_website_id = $1 AND received_at >= $2 AND received_at < $3 ORDER BY received_at"

/** The page views of a hosted website, from one time to another. `AnalyticsRows.decodeView` decodes them. */
export const viewsStatement = `SELECT ${common}, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
    referrer_host, referrer_path, screen_width FROM page_view ${ofPeriod}`

/** The same of events, for `AnalyticsRows.decodeEvent`. */
export const eventsStatement = `SELECT ${common}, name, properties::text AS properties, revenue_amount::float8 AS revenue_amount,
    revenue_currency, is_interactive FROM event ${ofPeriod}`

export const layer: Layer.Layer<AnalyticsExport, never, PgClient> = Layer.effect(
  AnalyticsExport,
  Effect.map(PgClient, (sql) => {
    const read = (statement: string, decode: typeof AnalyticsRows.decodeView, { from, hostedWebsiteId, to }: Query) =>
      sql
        .unsafe(statement, [PgTypes.uuid(hostedWebsiteId), PgTypes.timestamptz(from), PgTypes.timestamptz(to)])
        .stream.pipe(
          Stream.mapError(Database.unavailable),
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
