/**
 * Restricts the queries of a shared dashboard. Pure.
 *
 * Coarse counts hide small counts only if a viewer cannot choose many sets that differ by a few visitors. So a shared query
 * has a period that ends today instead of chosen days, at most one dimension, and at most one filter that selects visitors,
 * with one value. `SmallCounts` leaves out the rows that would describe a few visitors. A program that sends false page views
 * can still raise the count of a page or campaign whose name it knows, so that its row is shown.
 *
 * @module
 */
import { oneOf } from "../../platform/text/Text.ts"
import type { Numbers } from "../../sites/access/Share.ts"
import * as Goal from "../Goal.ts"
import type { Answer } from "../reports/Answer.ts"
import * as Dimensions from "../reports/Dimensions.ts"
import { mentions } from "../reports/Filters.ts"
import {
  type Condition,
  eventDimensions,
  type Filter,
  type Metric,
  type Query,
  type Request,
  timeDimensions,
  visitDimensions
} from "../reports/Query.ts"

/** All metrics but revenue and `group_conversion_rate`, which needs the visitors of each group. */
export const metrics = [
  "visitors",
  "visits",
  "pageviews",
  "views_per_visit",
  "bounce_rate",
  "visit_duration",
  "events",
  "conversions",
  "conversion_rate"
] as const satisfies ReadonlyArray<Metric>

/** Dimensions of rows and of filters. */
const sharedDimensions = [...eventDimensions, ...visitDimensions].filter((name) => Dimensions.all[name].isShared)

/** The maximum number of rows in an answer. */
export const maxRows = 1_000

const isCondition = (filter: Filter): filter is Condition => "dimension" in filter

/** The parts of a request that determine what its filters select. */
type Chosen = Pick<Request, "dimensions" | "filters" | "metrics">

/** Whether a condition only selects rows of the answer. */
const choosesRows = ({ dimension }: Condition, { dimensions }: Chosen): boolean => dimensions.includes(dimension)

const leads: ReadonlyArray<string> = Object.values(Goal.leads)

/** Whether a condition is the one that counts leads. */
const countsLeads = ({ dimension, operator, values }: Condition): boolean =>
  dimension === "event:goal" &&
  operator === "is" &&
  values.length === leads.length &&
  leads.every((name) => values.includes(name))

/**
 * Whether a condition changes the number of visitors that conversion rates are divided by. A condition that selects rows
 * changes it too, and the rates of the rows then reveal it. A condition on goals does not: see `Evaluate.divisor`.
 */
const choosesDivisor = ({ dimension }: Condition, { metrics }: Chosen): boolean =>
  metrics.includes("conversion_rate") && dimension !== "event:goal"

/** The conditions that select visitors, except the one that counts leads. */
export const choices = (request: Chosen): ReadonlyArray<Condition> =>
  request.filters
    .filter(isCondition)
    .filter((condition) => !choosesRows(condition, request) || choosesDivisor(condition, request))
    .filter((condition) => !countsLeads(condition))

/** What a shared dashboard does not show. */
export interface Refusal {
  readonly path: ReadonlyArray<string | number>
  readonly type: "literal_error" | "value_error"
  readonly msg: string
}

const refusal = (path: Refusal["path"], text: string): Refusal => ({
  path,
  type: "value_error",
  msg: `Value error, a shared dashboard ${text}`
})

/** A refusal for each of `used` that is not one of `shown`. */
const notShown = (
  used: ReadonlyArray<string>,
  shown: ReadonlyArray<string>,
  pathOf: (index: number) => Refusal["path"]
): ReadonlyArray<Refusal> =>
  used.flatMap((name, index) =>
    shown.includes(name) ? [] : [{ path: pathOf(index), type: "literal_error", msg: `Input should be ${oneOf(shown)}` }]
  )

const refusedFilters = (request: Request): ReadonlyArray<Refusal> => {
  const chosen = choices(request)
  const isPlain = chosen.every(({ operator, values }) => operator === "is" && values.length === 1)
  return [
    ...request.filters.flatMap((filter, index) =>
      isCondition(filter)
        ? notShown([filter.dimension], sharedDimensions, () => ["filters", index, 1])
        : [refusal(["filters", index], "has no nested filters")]
    ),
    ...(chosen.length > 1 || !isPlain ? [refusal(["filters"], "has at most one filter, 'is' with one value")] : [])
  ]
}

/** What exact numbers are not shown of: revenue, properties, and dimensions that could identify a person. */
const refusedOfExact = (request: Request): ReadonlyArray<Refusal> => [
  ...notShown(request.metrics, [...metrics, "group_conversion_rate"], (index) => ["metrics", index]),
  ...notShown(request.dimensions, [...sharedDimensions, ...timeDimensions], (index) => ["dimensions", index]),
  ...(request.filters.some((filter) =>
    mentions(filter, (dimension) => !sharedDimensions.some((name) => name === dimension))
  )
    ? [refusal(["filters"], `has no filter by other dimensions than ${oneOf(sharedDimensions)}`)]
    : [])
]

const refusedOfProtected = (request: Request): ReadonlyArray<Refusal> => [
  ...notShown(request.metrics, metrics, (index) => ["metrics", index]),
  ...notShown(request.dimensions, [...sharedDimensions, ...timeDimensions], (index) => ["dimensions", index]),
  ...(request.dimensions.length > 1 ? [refusal(["dimensions"], "lists one dimension at a time")] : []),
  ...refusedFilters(request),
  ...(typeof request.dateRange === "string"
    ? []
    : [refusal(["date_range"], "shows periods that end today, such as '30d', and no other days")])
]

/** A refusal for each part of a request that a shared dashboard does not show; none if it may be executed. */
export const refuse = (request: Request, numbers: Numbers): ReadonlyArray<Refusal> =>
  (numbers === "exact" ? refusedOfExact : refusedOfProtected)(request)

/** A request with at most as many rows as an answer has. */
export const limited = (request: Request): Request => ({ ...request, limit: Math.min(request.limit, maxRows) })

/**
 * The query whose answer has all that answers to `query` need. Queries that differ only by their page and by what they include
 * have the same one, so that no viewer gets newer counts by asking for another page.
 */
export const whole = (query: Query): Query => ({
  ...query,
  includeTotalRows: true,
  includeTimeLabels: true,
  limit: maxRows,
  offset: 0
})

/** The answer to `query`, given the answer to `whole(query)`. Rows after the first `maxRows` are left out. */
export const part = <Value>({ meta, query: executed, results }: Answer<Value>, query: Query): Answer<Value> => {
  const { partial_time_labels, time_labels, total_rows, ...others } = meta
  return {
    results: results.slice(query.offset, query.offset + query.limit),
    meta: {
      ...others,
      ...(query.includeTotalRows && total_rows !== undefined ? { total_rows } : {}),
      ...(query.includeTimeLabels && time_labels !== undefined && partial_time_labels !== undefined
        ? { time_labels, partial_time_labels }
        : {})
    },
    query: {
      ...executed,
      include: { ...executed.include, total_rows: query.includeTotalRows, time_labels: query.includeTimeLabels },
      pagination: { limit: query.limit, offset: query.offset }
    }
  }
}
