/**
 * The rows of an export of page views and events, as the SQL of PostgreSQL and of ClickHouse returns them.
 *
 * @module
 */
import { Effect, Predicate, Schema } from "effect"
import type * as Event from "./Event.ts"
import type { Row } from "./ExportRow.ts"

const Text = Schema.NullOr(Schema.String)

const commonColumns = {
  /** Milliseconds since 1970. */
  at: Schema.Finite,
  path: Schema.String,
  session_id: Text,
  /** In hexadecimal. */
  hash: Schema.String,
  device_type: Text,
  browser: Text,
  os: Text,
  country: Text
}

const ViewRow = Schema.Struct({
  ...commonColumns,
  utm_source: Text,
  utm_medium: Text,
  utm_campaign: Text,
  utm_term: Text,
  utm_content: Text,
  referrer_host: Text,
  referrer_path: Text,
  screen_width: Schema.NullOr(Schema.Int)
})

/** Not a `Schema.Record`, which drops a property named `__proto__`. */
const Properties = Schema.declare(
  (value): value is NonNullable<Event.Event["properties"]> =>
    Predicate.isObject(value) && Object.values(value).every((member) => /^(string|number|boolean)$/.test(typeof member))
)

const EventRow = Schema.Struct({
  ...commonColumns,
  name: Schema.String,
  properties: Schema.NullOr(Schema.fromJsonString(Properties)),
  revenue_amount: Schema.NullOr(Schema.Finite),
  revenue_currency: Text,
  is_interactive: Schema.Boolean
})

const commonOf = (row: typeof ViewRow.Type | typeof EventRow.Type, hostedWebsiteId: string) => ({
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

/** Decodes a row of a website. As in `decodeRows`, a row that does not match is a defect. */
const decoder = <A>(schema: Schema.ConstraintDecoder<A>, toRow: (row: A, hostedWebsiteId: string) => Row) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (row: unknown, hostedWebsiteId: string): Effect.Effect<Row> =>
    Effect.map(Effect.orDie(decode(row)), (decoded) => toRow(decoded, hostedWebsiteId))
}

export const decodeView = decoder(ViewRow, ofView)

export const decodeEvent = decoder(EventRow, ofEvent)
