/**
 * The counts of a group, as statements return them.
 *
 * @module
 */
import { Schema } from "effect"
import * as Counts from "../Counts.ts"

/** Decoded as bigint; converting to number is safe below 2^53 rows. */
const Total = Schema.BigInt

const Revenue = Schema.fromJsonString(Schema.Record(Schema.String, Schema.String))

export const columns = { ...Counts.each(() => Total), revenue: Schema.NullOr(Revenue) }

const Row = Schema.Struct(columns)

export const toCounts = (row: typeof Row.Type): Counts.Counts => ({
  visitors: Number(row.visitors),
  visits: Number(row.visits),
  pageviews: Number(row.pageviews),
  events: Number(row.events),
  visit_pageviews: Number(row.visit_pageviews),
  entries: Number(row.entries),
  bounces: Number(row.bounces),
  duration: Number(row.duration),
  conversions: Number(row.conversions),
  converted: Number(row.converted),
  groupVisitors: 0,
  revenue: Object.entries(row.revenue ?? {}).map(([currency, value]) => ({ currency, value }))
})
