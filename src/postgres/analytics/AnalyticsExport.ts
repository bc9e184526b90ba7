/**
 * Reads page views and events from PostgreSQL through a portal, so that neither side holds more than a batch of them.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Layer, Predicate, Schema, Stream } from "effect"
import type { Row } from "../../core/analytics/AnalyticsExport.ts"
import type * as Event from "../../core/analytics/Event.ts"
import { AnalyticsExport, type Query } from "../../services/analytics/AnalyticsExport.ts"
import * as Database from "../Database.ts"

const Text = Schema.NullOr(Schema.String)

const received = {
  received_at: Schema.Date,
  path: Schema.String,
  session_id: Text,
  visitor_hash: Schema.String,
  device_type: Text,
  browser: Text,
  os: Text,
  country: Text
}

const ViewRow = Schema.Struct({
  ...received,
  utm_source: Text,
  utm_medium: Text,
  utm_campaign: Text,
  utm_term: Text,
  utm_content: Text,
  referrer_host: Text,
  referrer_path: Text,
  screen_width: Schema.NullOr(Schema.Int)
})

/** No `Schema.Record`, which loses a property named `__proto__`. */
const Properties = Schema.declare(
  (value): value is NonNullable<Event.Event["properties"]> =>
    Predicate.isObject(value) && Object.values(value).every((member) => /^(string|number|boolean)$/.test(typeof member))
)

const EventRow = Schema.Struct({
  ...received,
  name: Schema.String,
  properties: Schema.NullOr(Schema.fromJsonString(Properties)),
  revenue_amount: Schema.NullOr(Schema.Finite),
  revenue_currency: Text,
  is_interactive: Schema.Boolean
})

const commonOf = (row: typeof ViewRow.Type | typeof EventRow.Type, hostedWebsiteId: string) => ({
  hostedWebsiteId,
  receivedAt: row.received_at.getTime(),
  path: row.path,
  sessionId: row.session_id,
  visitorHash: row.visitor_hash,
  deviceType: row.device_type,
  browser: row.browser,
  os: row.os,
  country: row.country
})

const ofView = (row: typeof ViewRow.Type, hostedWebsiteId: string): Row => ({
  type: "pageview",
  view: {
    ...commonOf(row, hostedWebsiteId),
    campaign: {
      source: row.utm_source,
      medium: row.utm_medium,
      name: row.utm_campaign,
      term: row.utm_term,
      content: row.utm_content
    },
    referrerHost: row.referrer_host,
    referrerPath: row.referrer_path,
    screenWidth: row.screen_width,
    exclusion: null
  }
})

const ofEvent = (row: typeof EventRow.Type, hostedWebsiteId: string): Row => ({
  type: "event",
  event: {
    ...commonOf(row, hostedWebsiteId),
    name: row.name,
    properties: row.properties,
    revenue:
      row.revenue_amount === null || row.revenue_currency === null
        ? null
        : { amount: row.revenue_amount, currency: row.revenue_currency },
    isInteractive: row.is_interactive
  }
})

const common = `received_at, path, session_id, encode(visitor_hash, 'hex') AS visitor_hash, device_type, browser, os, country`

const ofPeriod = "WHERE hosted_website_id = $1 AND received_at >= $2 AND received_at < $3 ORDER BY received_at"

const viewsStatement = `SELECT ${common}, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
    referrer_host, referrer_path, screen_width FROM page_view ${ofPeriod}`

const eventsStatement = `SELECT ${common}, name, properties::text AS properties, revenue_amount::float8 AS revenue_amount,
    revenue_currency, is_interactive FROM event ${ofPeriod}`

export const layer: Layer.Layer<AnalyticsExport, never, PgClient> = Layer.effect(
  AnalyticsExport,
  Effect.map(PgClient, (sql) => {
    const read = <A, RD>(
      statement: string,
      schema: Schema.ConstraintDecoder<A, RD>,
      { from, hostedWebsiteId, to }: Query,
      toRow: (row: A, hostedWebsiteId: string) => Row
    ) => {
      const decode = Schema.decodeUnknownEffect(schema)
      const parameters = [PgTypes.uuid(hostedWebsiteId), PgTypes.timestamptz(from), PgTypes.timestamptz(to)]
      return sql.unsafe(statement, parameters).stream.pipe(
        Stream.mapError(Database.unavailable),
        Stream.mapEffect((row) => Effect.orDie(decode(row))),
        Stream.map((row) => toRow(row, hostedWebsiteId))
      )
    }
    return AnalyticsExport.of({
      rows: (query) =>
        Stream.concat(read(viewsStatement, ViewRow, query, ofView), read(eventsStatement, EventRow, query, ofEvent))
    })
  })
)
