/**
 * The rows of an export of page views and events, as the SQL of PostgreSQL and of ClickHouse returns them.
 *
 * @module
 */
import { Effect, Predicate, Schema } from "effect"
import type { Row } from "./AnalyticsExport.ts"
import type * as Event from "./Event.ts"
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
