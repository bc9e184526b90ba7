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
import { Result } from "effect"
import * as Goal from "../Goal.ts"
import type { Answer } from "../reports/Answer.ts"
import * as Dimensions from "../reports/Dimensions.ts"
import { type InputError, InputReader, type Invalid, invalid, oneOf } from "../reports/InputReader.ts"
import {
  type Condition,
  eventDimensions,
  type Filter,
  isTimeDimension,
  type Metric,
  type Query,
  type Request,
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

const isOf = <A extends string>(names: ReadonlyArray<A>, name: string): name is A =>
  names.some((known) => known === name)

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

const readFilters = (reader: InputReader, request: Request): void => {
  for (const [index, filter] of request.filters.entries()) {
    const at = ["filters", index]
    if (!isCondition(filter)) reader.refuse(at, "a shared dashboard has no nested filters")
    else if (!isOf(sharedDimensions, filter.dimension)) {
      reader.fail([...at, 1], "literal_error", `Input should be ${oneOf(sharedDimensions)}`)
    }
  }
  const chosen = choices(request)
  const isPlain = chosen.every(({ operator, values }) => operator === "is" && values.length === 1)
  if (chosen.length > 1 || !isPlain) {
    reader.refuse(["filters"], "a shared dashboard has at most one filter, 'is' with one value")
  }
}

const readPeriod = (reader: InputReader, { dateRange }: Request): string | Invalid =>
  typeof dateRange === "string"
    ? dateRange
    : reader.refuse(["date_range"], "a shared dashboard shows periods that end today, such as '30d', and no other days")

/** The request as it may be executed, or an error for each part that a shared dashboard does not show. */
export const restrict = (request: Request): Result.Result<Request, ReadonlyArray<InputError>> => {
  const reader = new InputReader()
  for (const [index, metric] of request.metrics.entries()) reader.literal(metric, ["metrics", index], metrics)
  const named = request.dimensions.filter((dimension) => !isTimeDimension(dimension))
  for (const [index, dimension] of named.entries()) reader.literal(dimension, ["dimensions", index], sharedDimensions)
  if (request.dimensions.length > 1) reader.refuse(["dimensions"], "a shared dashboard lists one dimension at a time")
  readFilters(reader, request)
  if (readPeriod(reader, request) === invalid || reader.errors.length > 0) return Result.fail(reader.errors)
  return Result.succeed({ ...request, limit: Math.min(request.limit, maxRows) })
}

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
