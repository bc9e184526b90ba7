/**
 * The body of a query, with the names and the shape of Plausible's Stats API v2. It is documented here, and decoded by
 * `analytics/reports/QueryInput`.
 *
 * @module
 */
import { Schema } from "effect"
import * as Examples from "../../sites/access/Examples.ts"
import type { WireFilter } from "./Answer.ts"
import * as Query from "./Query.ts"

/** A query as JSON. */
export interface QueryBody {
  readonly site_id: string
  readonly metrics: ReadonlyArray<Query.Metric>
  readonly date_range: Query.Period | readonly [first: Query.LocalDate, last: Query.LocalDate]
  readonly dimensions?: ReadonlyArray<Query.Dimension>
  readonly filters?: ReadonlyArray<WireFilter>
  readonly order_by?: ReadonlyArray<readonly [by: Query.Metric | Query.Dimension, direction: "asc" | "desc"]>
  readonly include?: {
    readonly comparison?: Query.Comparison
    readonly total_rows?: boolean
    readonly time_labels?: boolean
  }
  readonly pagination?: { readonly limit?: number; readonly offset?: number }
}

const dimension = {
  anyOf: [
    { enum: [...Query.eventDimensions, ...Query.visitDimensions, ...Query.timeDimensions] },
    { type: "string", pattern: `^${Query.propertyPrefix}.+` }
  ]
}

const jsonSchema = {
  type: "object",
  required: ["site_id", "metrics", "date_range"],
  properties: {
    site_id: { type: "string", format: "uuid", description: "The `website_config_id` of the website" },
    metrics: { type: "array", minItems: 1, items: { enum: Query.metrics } },
    date_range: {
      description:
        "A period, which ends today, or the first and the last day, both included. Days are those of the website's time zone.",
      anyOf: [
        { enum: Query.periods },
        { type: "array", items: { type: "string", format: "date" }, minItems: 2, maxItems: 2 }
      ]
    },
    dimensions: { type: "array", items: dimension },
    filters: { type: "array", description: "All filters must match", items: { $ref: "#/components/schemas/Filter" } },
    order_by: {
      type: "array",
      description: "A metric or dimension of the query, and a direction",
      items: {
        type: "array",
        prefixItems: [{ type: "string" }, { enum: ["asc", "desc"] }],
        minItems: 2,
        maxItems: 2
      }
    },
    include: {
      type: "object",
      properties: {
        comparison: { enum: Query.comparisons },
        total_rows: { type: "boolean" },
        time_labels: { type: "boolean" }
      }
    },
    pagination: {
      type: "object",
      properties: { limit: { type: "integer", minimum: 1 }, offset: { type: "integer", minimum: 0 } }
    }
  }
}

/** Accepts any JSON, so that the handler reports all errors of a query with their locations. */
export const QueryBody = Schema.Any.check(Schema.makeFilter(() => true, { toJsonSchema: () => jsonSchema })).annotate({
  identifier: "Query",
  title: "Query",
  examples: [
    {
      site_id: Examples.siteId,
      metrics: ["visitors", "pageviews", "bounce_rate"],
      date_range: "30d",
      dimensions: ["visit:source"],
      filters: [["is", "event:page", ["/pricing"]]],
      order_by: [["visitors", "desc"]],
      include: { comparison: "previous_period" },
      pagination: { limit: 20 }
    }
  ]
}) as unknown as Schema.Codec<QueryBody>
