/**
 * The rows of the latest page views and events, as the SQL of PostgreSQL and of ClickHouse returns them.
 *
 * @module
 */
import { Schema } from "effect"

const Text = Schema.NullOr(Schema.String)

/** The columns of both kinds. */
const common = {
  /** Milliseconds since 1970. */
  receivedAt: Schema.Finite,
  path: Schema.String,
  country: Text,
  deviceType: Text,
  browser: Text
}

export const Views = Schema.Array(Schema.Struct({ type: Schema.Literal("pageview"), ...common, source: Text }))

export const Events = Schema.Array(Schema.Struct({ type: Schema.Literal("event"), ...common, name: Schema.String }))
