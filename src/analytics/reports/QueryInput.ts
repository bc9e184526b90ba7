/**
 * Decodes a query from JSON, in the shape of Plausible's Stats API v2, and reports every error with its location and
 * what is allowed. Pure.
 *
 *     { site_id, metrics, date_range, dimensions?, filters?, order_by?,
 *       include?: { comparison?, total_rows?, time_labels? }, pagination?: { limit?, offset? } }
 *
 * @module
 */
import { Option, Result } from "effect"
import { parseTimestamp } from "../../platform/text/TimeInput.ts"
import * as DateRange from "./DateRange.ts"
import * as FilterInput from "./FilterInput.ts"
import { type InputError, InputReader, type Invalid, invalid, type Location, oneOf } from "./InputReader.ts"
import * as LocalTime from "./LocalTime.ts"
import {
  comparisons,
  type Dimension,
  isTimeDimension,
  type Metric,
  metrics,
  type Order,
  periods,
  type Request,
  timeDimensions
} from "./Query.ts"

export const limits = {
  dimensions: 4,
  /** The maximum number of rows of an answer, which is also the default. */
  rows: 10_000,
  offset: 10_000_000,
  /**
   * The maximum number of days of a range that is counted by hour. The hours of so many days fit into the rows of an answer.
   */
  hourlyDays: 366,
  ...FilterInput.limits
} as const

const keys = ["site_id", "metrics", "date_range", "dimensions", "filters", "order_by", "include", "pagination"] as const

/**
 * A valid date from 1970 to 2999. Dates that are calculated from it, such as the next day, then also have a year of four digits,
 * so that they can be compared as strings.
 */
const isDate = (input: unknown): input is string =>
  typeof input === "string" && /^(19[7-9]|2\d\d)\d-\d\d-\d\d$/.test(input) && Option.isSome(parseTimestamp(input))

const readRange = (reader: InputReader, input: unknown, loc: Location): Request["dateRange"] | Invalid => {
  if (!Array.isArray(input)) {
    const period = periods.find((name) => name === input)
    return (
      period ??
      reader.fail(
        loc,
        "literal_error",
        `Input should be ${oneOf(periods)}, or a list of the first and the last date, such as ["2026-11-01", "2026-11-25"]`
      )
    )
  }
  const [first, last] = input
  if (input.length !== 2)
    return reader.fail(loc, "value_error", "Value error, the list should be the first and the last date")
  const wrong = [first, last].flatMap((date, index) => (isDate(date) ? [] : [index]))
  for (const index of wrong) {
    reader.fail(
      [...loc, index],
      "date_parsing",
      "Input should be a valid date in the format YYYY-MM-DD, from 1970 to 2999"
    )
  }
  if (!isDate(first) || !isDate(last)) return invalid
  if (first > last) return reader.refuse(loc, `the range ends on ${last}, before it begins on ${first}`)
  const days = LocalTime.countDays(first, last)
  return days > DateRange.maxDays
    ? reader.refuse(loc, `a range has at most ${DateRange.maxDays} days, not ${days}; "all" has no limit`)
    : { first, last }
}

const readUnique = <A extends string>(
  reader: InputReader,
  input: unknown,
  loc: Location,
  bounds: { readonly min?: number; readonly max: number },
  read: (input: unknown, loc: Location) => A | Invalid
): ReadonlyArray<A> | Invalid => {
  const list = reader.list(input, loc, bounds)
  if (list === invalid) return invalid
  const values = reader.items(list, loc, read)
  if (values === invalid) return invalid
  const repeated = values.findIndex((value, index) => values.indexOf(value) !== index)
  return repeated === -1 ? values : reader.refuse([...loc, repeated], `'${values[repeated]}' is listed twice`)
}

const readDimensions = (reader: InputReader, input: unknown, loc: Location): ReadonlyArray<Dimension> | Invalid => {
  const dimensions = readUnique(reader, input, loc, { max: limits.dimensions }, (item, at) =>
    FilterInput.readDimension(reader, item, at, timeDimensions)
  )
  if (dimensions === invalid) return invalid
  return dimensions.filter(isTimeDimension).length > 1
    ? reader.refuse(loc, `at most one of ${oneOf(timeDimensions)} is possible`)
    : dimensions
}

const readOrder = (
  reader: InputReader,
  input: unknown,
  loc: Location,
  columns: ReadonlyArray<Metric | Dimension>
): ReadonlyArray<Order> | Invalid => {
  const list = reader.list(input, loc, { max: columns.length })
  if (list === invalid) return invalid
  return reader.items(list, loc, (item, at) => {
    const pair = reader.list(item, at, { min: 2, max: 2 })
    if (pair === invalid) return invalid
    const by = reader.literal(pair[0], [...at, 0], columns)
    const direction = reader.literal(pair[1], [...at, 1], ["asc", "desc"])
    return by === invalid || direction === invalid ? invalid : { by, direction }
  })
}

const defaultOrder = (requested: ReadonlyArray<Metric>, dimensions: ReadonlyArray<Dimension>): ReadonlyArray<Order> => [
  ...dimensions.filter(isTimeDimension).map((by) => ({ by, direction: "asc" as const })),
  ...requested.slice(0, 1).map((by) => ({ by, direction: "desc" as const }))
]

/** Whether a range may have more days than `limits.hourlyDays`. */
const isLong = (range: Request["dateRange"]): boolean =>
  typeof range === "string" ? range === "all" : LocalTime.countDays(range.first, range.last) > limits.hourlyDays

/** The additions that `include` names. */
type Include = Pick<Request, "comparison" | "includeTimeLabels" | "includeTotalRows">

const readInclude = (reader: InputReader, input: unknown, loc: Location): Include | Invalid => {
  const include = reader.object(input, loc, ["comparison", "total_rows", "time_labels"])
  if (include === invalid) return invalid
  const { comparison = null, time_labels = false, total_rows = false } = include
  const compared = comparison === null ? null : reader.literal(comparison, [...loc, "comparison"], comparisons)
  const includeTotalRows = reader.boolean(total_rows, [...loc, "total_rows"])
  const includeTimeLabels = reader.boolean(time_labels, [...loc, "time_labels"])
  return compared === invalid || includeTotalRows === invalid || includeTimeLabels === invalid
    ? invalid
    : { comparison: compared, includeTotalRows, includeTimeLabels }
}

const readPagination = (
  reader: InputReader,
  input: unknown,
  loc: Location
): Pick<Request, "limit" | "offset"> | Invalid => {
  const pagination = reader.object(input, loc, ["limit", "offset"])
  if (pagination === invalid) return invalid
  const limit = reader.integer(pagination["limit"] ?? limits.rows, [...loc, "limit"], { min: 1, max: limits.rows })
  const offset = reader.integer(pagination["offset"] ?? 0, [...loc, "offset"], { min: 0, max: limits.offset })
  return limit === invalid || offset === invalid ? invalid : { limit, offset }
}

/** Decodes a request, or lists its errors. The locations of errors are relative to `input`. */
export const decode = (input: unknown): Result.Result<Request, ReadonlyArray<InputError>> => {
  const reader = new InputReader()
  const body = reader.object(input, [], keys)
  if (body === invalid) return Result.fail(reader.errors)
  const required = <A>(
    key: (typeof keys)[number],
    read: (value: unknown, loc: Location) => A | Invalid
  ): A | Invalid =>
    Object.hasOwn(body, key) ? read(body[key], [key]) : reader.fail([key], "missing", "Field required")
  const siteId = required("site_id", (value, loc) => reader.uuid(value, loc))
  const requested = required("metrics", (value, loc) =>
    readUnique(reader, value, loc, { min: 1, max: metrics.length }, (item, at) => reader.literal(item, at, metrics))
  )
  const dateRange = required("date_range", (value, loc) => readRange(reader, value, loc))
  const dimensions = readDimensions(reader, body["dimensions"] ?? [], ["dimensions"])
  const filters = FilterInput.read(reader, body["filters"] ?? [], ["filters"])
  const include = readInclude(reader, body["include"] ?? {}, ["include"])
  const pagination = readPagination(reader, body["pagination"] ?? {}, ["pagination"])
  if (requested === invalid || dimensions === invalid) return Result.fail(reader.errors)
  const order = readOrder(reader, body["order_by"] ?? [], ["order_by"], [...requested, ...dimensions])
  if (dateRange !== invalid && dimensions.includes("time:hour") && isLong(dateRange)) {
    reader.refuse(
      ["date_range"],
      `hours need a range of at most ${limits.hourlyDays} days; choose days, or a shorter range`
    )
  }
  if (include !== invalid && include.includeTimeLabels && !dimensions.some(isTimeDimension)) {
    reader.refuse(["include", "time_labels"], `time labels need one of the dimensions ${oneOf(timeDimensions)}`)
  }
  if (
    siteId === invalid ||
    dateRange === invalid ||
    filters === invalid ||
    include === invalid ||
    pagination === invalid ||
    order === invalid ||
    reader.errors.length > 0
  ) {
    return Result.fail(reader.errors)
  }
  return Result.succeed({
    siteId,
    metrics: requested,
    dateRange,
    dimensions,
    filters,
    orderBy: order.length > 0 ? order : defaultOrder(requested, dimensions),
    ...include,
    ...pagination
  })
}
