/**
 * The rows of page views and events as statements select them.
 *
 * @module
 */
import { Predicate, Schema } from "effect"
import type { Row } from "../../core/analytics/AnalyticsExport.ts"
import type * as Event from "../../core/analytics/Event.ts"

const Text = Schema.NullOr(Schema.String)

const received = {
  at: Schema.Finite,
  path: Schema.String,
  session_id: Text,
  hash: Schema.String,
  device_type: Text,
  browser: Text,
  os: Text,
  country: Text
}

const common = `toUnixTimestamp64Milli(received_at) AS at, path, session_id,
  replaceAll(toString(visitor_hash), '-', '') AS hash, device_type, browser, os, country`

const View = Schema.Struct({
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

const EventFields = Schema.Struct({
  ...received,
  name: Schema.String,
  properties: Schema.NullOr(Schema.fromJsonString(Properties)),
  revenue_amount: Schema.NullOr(Schema.Finite),
  revenue_currency: Text,
  is_interactive: Schema.Boolean
})

const commonOf = (row: typeof View.Type | typeof EventFields.Type, hostedWebsiteId: string) => ({
  hostedWebsiteId,
  receivedAt: row.at,
  path: row.path,
  sessionId: row.session_id,
  visitorHash: row.hash,
  deviceType: row.device_type,
  browser: row.browser,
  os: row.os,
  country: row.country
})

export const ViewRow = {
  schema: View,
  columns: `${common}, utm_source, utm_medium, utm_campaign, utm_term, utm_content, referrer_host, referrer_path, screen_width`,
  toRow: (row: typeof View.Type, hostedWebsiteId: string): Row => ({
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
}

export const EventRow = {
  schema: EventFields,
  columns: `${common}, name, properties, toFloat64(revenue_amount) AS revenue_amount, revenue_currency, is_interactive`,
  toRow: (row: typeof EventFields.Type, hostedWebsiteId: string): Row => ({
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
}
