/**
 * Rows of page views and events, as the SQL of PostgreSQL and of ClickHouse returns them: those of an export, and those in which the
 * visits of leads are found.
 *
 * @module
 */
import { Effect, Predicate, Schema } from "effect"
import { decodeRows } from "../platform/runtime/Rows.ts"
import type { Row } from "./AnalyticsExport.ts"
import type * as Event from "./Event.ts"
import type { VisitorRow } from "./Lead.ts"
import * as Visits from "./reports/Visits.ts"
import * as StoredView from "./StoredView.ts"

/** Not a `Schema.Record`, which drops a property named `__proto__`. */
const Properties = Schema.declare(
  (value): value is NonNullable<Event.Event["properties"]> =>
    Predicate.isObject(value) && Object.values(value).every((member) => /^(string|number|boolean)$/.test(typeof member))
)

const EventRow = Schema.Struct({
  ...StoredView.commonFields,
  name: Schema.String,
  properties: Schema.NullOr(Schema.fromJsonString(Properties)),
  revenue_amount: Schema.NullOr(Schema.Finite),
  revenue_currency: Schema.NullOr(Schema.String),
  is_interactive: Schema.Boolean
})

const ofView = (row: typeof StoredView.Row.Type, hostedWebsiteId: string): Row => ({
  type: "pageview",
  view: StoredView.fromRow(row, hostedWebsiteId)
})

const ofEvent = (row: typeof EventRow.Type, hostedWebsiteId: string): Row => ({
  type: "event",
  event: {
    ...StoredView.commonOf(row, hostedWebsiteId),
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

export const decodeView = decoder(StoredView.Row, ofView)

export const decodeEvent = decoder(EventRow, ofEvent)

const Text = Schema.NullOr(Schema.String)

const VisitorRows = Schema.Array(
  Schema.Struct({
    hash: Schema.String,
    session: Text,
    /** Milliseconds since 1970. */
    at: Schema.Finite,
    isView: Schema.Boolean,
    page: Schema.String,
    utm_source: Text,
    utm_medium: Text,
    utm_campaign: Text,
    referrer_host: Text,
    referrer_path: Text,
    country: Text
  })
)

const toVisitorRow = (row: (typeof VisitorRows.Type)[number]): VisitorRow => ({
  receivedAt: row.at,
  visitorHash: row.hash,
  sessionKey: Visits.sessionKey({ sessionId: row.session, visitorHash: row.hash }),
  path: row.page,
  country: row.country,
  view: row.isView
    ? {
        campaign: { source: row.utm_source, medium: row.utm_medium, name: row.utm_campaign, term: null, content: null },
        referrerHost: row.referrer_host,
        referrerPath: row.referrer_path
      }
    : null
})

/** Decodes the rows of visitors, in which the visits of leads are found. */
export const decodeVisitors = <E, R>(rows: Effect.Effect<ReadonlyArray<unknown>, E, R>) =>
  Effect.map(decodeRows(VisitorRows)(rows), (decoded): ReadonlyArray<VisitorRow> => decoded.map(toVisitorRow))
