/**
 * Reads all rows of a website that statistics are counted from.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import type { SiteRows } from "../../../src/core/analytics/report/Row.ts"
import { decodeRows } from "../../../src/runtime/Rows.ts"
import type { ReportSite } from "../../../src/services/analytics/Reports.ts"

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

const ViewRows = Schema.Array(
  Schema.Struct({
    ...received,
    utm_source: Text,
    utm_medium: Text,
    utm_campaign: Text,
    utm_term: Text,
    utm_content: Text,
    referrer_host: Text,
    referrer_path: Text
  })
)

const EventRows = Schema.Array(
  Schema.Struct({
    ...received,
    name: Schema.String,
    properties: Schema.NullOr(
      Schema.fromJsonString(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Number, Schema.Boolean])))
    ),
    revenue_amount: Text,
    revenue_currency: Text,
    is_interactive: Schema.Boolean
  })
)

const ConversionRows = Schema.Array(
  Schema.Struct({ visit_started_at: Schema.Date, session_key: Schema.String, name: Schema.String })
)

const GoalRows = Schema.Array(
  Schema.Struct({ name: Schema.String, kind: Schema.Literals(["event", "page"]), value: Schema.String })
)

const common =
  "received_at, path, session_id, encode(visitor_hash, 'hex') AS visitor_hash, device_type, browser, os, country"

const receivedOf = (row: (typeof ViewRows.Type)[number] | (typeof EventRows.Type)[number]) => ({
  receivedAt: row.received_at.getTime(),
  path: row.path,
  sessionId: row.session_id,
  visitorHash: row.visitor_hash,
  deviceType: row.device_type,
  browser: row.browser,
  os: row.os,
  country: row.country
})

/** The rows of a website. Its size bounds the memory that this takes. */
export const read = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, site: ReportSite) {
  const hosted = PgTypes.uuid(site.hostedWebsiteId)
  const views = yield* sql`
    SELECT ${sql.literal(common)}, utm_source, utm_medium, utm_campaign, utm_term, utm_content, referrer_host, referrer_path
    FROM page_view WHERE hosted_website_id = ${hosted}`.pipe(decodeRows(ViewRows))
  const events = yield* sql`
    SELECT ${sql.literal(common)}, name, properties::text AS properties, revenue_amount::text AS revenue_amount,
      revenue_currency, is_interactive
    FROM event WHERE hosted_website_id = ${hosted}`.pipe(decodeRows(EventRows))
  const conversions = yield* sql`
    SELECT visit_started_at, session_key, name FROM conversion WHERE hosted_website_id = ${hosted}`.pipe(
    decodeRows(ConversionRows)
  )
  const goals = yield* sql`
    SELECT name, kind, value FROM goal WHERE website_config_id = ${PgTypes.uuid(site.websiteConfigId)}`.pipe(
    decodeRows(GoalRows)
  )
  return {
    views: views.map((row) => ({
      ...receivedOf(row),
      campaign: {
        source: row.utm_source,
        medium: row.utm_medium,
        name: row.utm_campaign,
        term: row.utm_term,
        content: row.utm_content
      },
      referrerHost: row.referrer_host,
      referrerPath: row.referrer_path
    })),
    events: events.map((row) => ({
      ...receivedOf(row),
      name: row.name,
      properties: row.properties,
      revenue:
        row.revenue_amount === null || row.revenue_currency === null
          ? null
          : { amount: Number(row.revenue_amount), currency: row.revenue_currency },
      isInteractive: row.is_interactive
    })),
    conversions: conversions.map((row) => ({
      visitStartedAt: row.visit_started_at.getTime(),
      sessionKey: row.session_key,
      name: row.name
    })),
    goals
  } satisfies SiteRows
})
