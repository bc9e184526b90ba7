/**
 * A query, with the names and the shape of Plausible's Stats API v2. The decoder, the documents, the messages of a 422 and the
 * types of its JSON are made from this schema.
 *
 *     { site_id, metrics, date_range, dimensions?, filters?, order_by?,
 *       include?: { comparison?, total_rows?, time_labels? }, pagination?: { limit?, offset? } }
 *
 * @module
 */
import { Context, Effect, Option, Predicate, Result, Schema, SchemaIssue } from "effect"
import * as HttpApi from "effect/http-api/HttpApi"
import type { ValidationError } from "../../platform/contract/Errors.ts"
import * as Fault from "../../platform/contract/Fault.ts"
import * as Field from "../../platform/contract/Field.ts"
import { parseTimestamp } from "../../platform/text/Calendar.ts"
import { oneOf } from "../../platform/text/Text.ts"
import * as Fields from "../../sites/access/Fields.ts"
import * as Filters from "./Filters.ts"
import * as LocalTime from "./LocalTime.ts"
import * as Query from "./Query.ts"

const { limits } = Query

/** A text without NUL, which PostgreSQL cannot store, and that is therefore in no visit. */
const text = (maxLength: number) =>
  [
    Field.isWellFormed,
    Field.isAtMost(maxLength),
    Field.check<string>((value) => !value.includes("\0"), Fault.value("a value must not contain a NUL character"))
  ] as const

const isProperty = (name: string): name is `${typeof Query.propertyPrefix}${string}` =>
  name.startsWith(Query.propertyPrefix) && name.length > Query.propertyPrefix.length

/** One of `names`, or `event:props:NAME`. */
const dimension = <const A extends string>(identifier: string, names: ReadonlyArray<A>) => {
  const unknown = Fault.notOneOf([...names, `${Query.propertyPrefix}NAME`])
  return Schema.Union([
    // No fault of its own: the other member has the one that both would have.
    Schema.Literals(names).annotate(Fault.annotation()),
    Schema.String.pipe(
      Schema.refine(isProperty, {
        ...Fault.annotation(unknown),
        toJsonSchema: () => ({ pattern: `^${Query.propertyPrefix}.+` })
      })
    ).check(...text(Query.propertyPrefix.length + limits.property))
  ]).annotate({ ...Fault.annotation(unknown), identifier, title: identifier })
}

const FilterDimension = dimension("FilterDimension", [...Query.eventDimensions, ...Query.visitDimensions])

const Dimension = dimension("Dimension", [...Query.eventDimensions, ...Query.visitDimensions, ...Query.timeDimensions])

/** The fault of an item that a list repeats. */
const repeated = Field.rule((names: ReadonlyArray<string>) => {
  const index = names.findIndex((name, at) => names.indexOf(name) !== at)
  return index === -1 ? [] : [{ ...Fault.value(`'${names[index]}' is listed twice`), path: [index] }]
})

const notADate: Fault.Fault = {
  type: "date_parsing",
  msg: "Input should be a valid date in the format YYYY-MM-DD, from 1970 to 2999"
}

/**
 * A valid date from 1970 to 2999. Dates that are calculated from it, such as the next day, then also have a year of four digits,
 * so that they can be compared as strings.
 */
const LocalDate = Schema.String.annotate({ ...Fault.annotation(notADate), format: "date" }).check(
  Field.check((value) => /^(19[7-9]|2\d\d)\d-\d\d-\d\d$/.test(value) && Option.isSome(parseTimestamp(value)), notADate)
)

const notARange: Fault.Fault = {
  type: "literal_error",
  msg: `Input should be ${oneOf(Query.periods)}, or a list of the first and the last date, such as ["2026-11-01", "2026-11-25"]`
}

const DateRange = Schema.Union([
  Schema.Literals(Query.periods).annotate(Fault.annotation(notARange)),
  Schema.Tuple([LocalDate, LocalDate])
    .annotate(Fault.annotation(Fault.value("the list should be the first and the last date")))
    .check(
      Field.rule(([first, last]: readonly [string, string]) => {
        if (first > last) return [Fault.value(`the range ends on ${last}, before it begins on ${first}`)]
        const days = LocalTime.countDays(first, last)
        return days > limits.days
          ? [Fault.value(`a range has at most ${limits.days} days, not ${days}; "all" has no limit`)]
          : []
      })
    )
]).annotate({
  ...Fault.annotation(notARange),
  description:
    "A period, which ends today, or the first and the last day, both included. Days are those of the website's time zone."
})

const nestings = ["and", "or"] as const

const Filter: Schema.Codec<Query.WireFilter, unknown> = Schema.Union([
  ...Query.operators.map((operator) =>
    Schema.Tuple([
      Schema.Literal(operator),
      FilterDimension,
      Field.List(Schema.String.check(...text(limits.value)), { min: 1, max: limits.values })
    ]).annotate(
      Fault.annotation(Fault.value(`a condition should be ["${operator}", dimension, [values]], without modifiers`))
    )
  ),
  ...nestings.map((operator) =>
    Schema.Tuple([
      Schema.Literal(operator),
      Field.List(
        Schema.suspend(() => Filter),
        { min: 1, max: limits.conditions }
      )
    ]).annotate(Fault.annotation(Fault.value(`"${operator}" takes one list of filters`)))
  ),
  Schema.Tuple([Schema.Literal("not"), Schema.suspend(() => Filter)]).annotate(
    Fault.annotation(Fault.value('"not" takes one filter'))
  )
]).annotate({
  ...Fault.annotationOf((input) => {
    if (!Array.isArray(input)) return Fault.notAList
    if (input.length === 0) return Fault.listTooShort(1, 0)
    return { ...Fault.notOneOf([...Query.operators, ...nestings, "not"]), path: [0] }
  }),
  identifier: "Filter",
  description: `\`[operator, dimension, values]\` with one of the operators ${Query.operators.join(", ")}; or \`["and" | "or", filters]\`; or \`["not", filter]\``
})

type Path = ReadonlyArray<string | number>

interface Node {
  readonly filter: ReadonlyArray<unknown>
  readonly path: Path
}

const isNested = ({ filter: [operator] }: Node): boolean =>
  operator === "not" || nestings.some((name) => name === operator)

const nodes = (filters: ReadonlyArray<unknown>, path: Path): ReadonlyArray<Node> =>
  filters.flatMap((filter, index) => (Array.isArray(filter) ? [{ filter, path: [...path, index] }] : []))

/** The filters in a nested one. */
const inner = ({ filter: [operator, operand], path }: Node): ReadonlyArray<Node> => {
  const list = operator === "not" ? [operand] : operand
  if (!Array.isArray(list) || list.length > limits.conditions) return []
  const found = nodes(list, [...path, 1])
  return operator === "not" ? found.map((node) => ({ ...node, path: node.path.slice(0, -1) })) : found
}

/** Each condition is in at most `limits.depth` nested filters, so no more filters of both kinds have an effect. */
const maxFilters = limits.conditions * (limits.depth + 1)

/** The faults of filters that are nested too deep, or that have too many conditions. */
const tooLarge = (filters: ReadonlyArray<unknown>): ReadonlyArray<Fault.Fault> => {
  let level = nodes(filters, [])
  let conditions = 0
  let all = 0
  for (let depth = 0; ; depth++) {
    const nested = level.filter(isNested)
    conditions += level.length - nested.length
    all += level.length
    if (conditions > limits.conditions || all > maxFilters) {
      return [Fault.value(`a query has at most ${limits.conditions} conditions`)]
    }
    if (depth === limits.depth) {
      return nested.map(({ path }) => ({ ...Fault.value(`filters are nested at most ${limits.depth} deep`), path }))
    }
    level = nested.flatMap(inner)
  }
}

/** Filters that must all match. */
export const FilterList = Field.List(Filter, { max: limits.conditions, refuse: tooLarge })

/** A metric or dimension of the query; `relations` checks it. */
const Column = Schema.String as unknown as Schema.Codec<Query.Metric | Query.Dimension>

const Body = Schema.Struct({
  site_id: Field.Uuid({ title: "Site Id", description: "The `website_config_id` of the website" }),
  metrics: Field.List(Field.Choice(Query.metrics), { min: 1, max: Query.metrics.length }).check(repeated),
  date_range: DateRange,
  dimensions: Field.optional(
    Field.List(Dimension, { max: limits.dimensions }).check(
      repeated,
      Field.rule((names) =>
        names.filter(Query.isTimeDimension).length > 1
          ? [Fault.value(`at most one of ${oneOf(Query.timeDimensions)} is possible`)]
          : []
      )
    )
  ),
  filters: Field.optional(FilterList, { description: "All filters must match" }),
  order_by: Field.optional(
    Field.List(
      Schema.Tuple([Column, Field.Choice(["asc", "desc"])]).annotate(
        Fault.annotation(Fault.value('an order should be [metric or dimension, "asc" or "desc"]'))
      ),
      { max: Query.metrics.length + limits.dimensions }
    ),
    { description: "A metric or dimension of the query, and a direction" }
  ),
  include: Field.optional(
    Schema.Struct({
      comparison: Field.optional(Field.Choice(Query.comparisons)),
      total_rows: Schema.optionalKey(Schema.Boolean),
      time_labels: Schema.optionalKey(Schema.Boolean)
    })
  ),
  pagination: Field.optional(
    Schema.Struct({
      limit: Field.optional(Field.Integer({ min: 1, max: limits.rows })),
      offset: Field.optional(Field.Integer({ min: 0, max: limits.offset }))
    })
  )
}).annotate({
  identifier: "Query",
  examples: [
    {
      site_id: Fields.exampleSiteId,
      metrics: ["visitors", "pageviews", "bounce_rate"],
      date_range: "30d",
      dimensions: ["visit:source"],
      filters: [["is", "event:page", ["/pricing"]]],
      order_by: [["visitors", "desc"]],
      include: { comparison: "previous_period" },
      pagination: { limit: 20 }
    }
  ]
})

/** A query as JSON. */
export type QueryBody = Schema.Schema.Type<typeof Body>

/** Whether a range may have more days than `limits.hourlyDays`. */
const isLong = (range: QueryBody["date_range"]): boolean =>
  typeof range === "string" ? range === "all" : LocalTime.countDays(...range) > limits.hourlyDays

const related = ["metrics", "date_range", "dimensions", "order_by", "include"] as const

/** Members of a query. Null is absent; a member that has faults of its own is undefined. */
type Related = { readonly [K in (typeof related)[number]]?: QueryBody[K] | undefined }

const orderFaults = (order: NonNullable<Related["order_by"]>, columns: ReadonlyArray<string>) =>
  order.length > columns.length
    ? [{ ...Fault.listTooLong(columns.length, order.length), path: ["order_by"] }]
    : order.flatMap(([by], index) =>
        columns.includes(by) ? [] : [{ ...Fault.notOneOf(columns), path: ["order_by", index, 0] }]
      )

/** The faults of members that do not fit to each other. */
const relations = ({ date_range, dimensions, include, metrics, order_by }: Related): ReadonlyArray<Fault.Fault> => {
  const faults: Array<Fault.Fault> = []
  if (metrics !== undefined && dimensions !== undefined) {
    faults.push(...orderFaults(order_by ?? [], [...metrics, ...(dimensions ?? [])]))
  }
  if (date_range !== undefined && dimensions?.includes("time:hour") === true && isLong(date_range)) {
    faults.push({
      ...Fault.value(`hours need a range of at most ${limits.hourlyDays} days; choose days, or a shorter range`),
      path: ["date_range"]
    })
  }
  if (include?.time_labels === true && dimensions !== undefined && !(dimensions ?? []).some(Query.isTimeDimension)) {
    faults.push({
      ...Fault.value(`time labels need one of the dimensions ${oneOf(Query.timeDimensions)}`),
      path: ["include", "time_labels"]
    })
  }
  return faults
}

/** Adds the faults of the members that have none of their own to an issue that lists those of all others. */
const withRelations = (issue: SchemaIssue.Issue): SchemaIssue.Issue => {
  if (issue._tag !== "Composite" || !SchemaIssue.hasInput(issue) || !Predicate.isObject(issue.input)) return issue
  const { ast, input, issues } = issue
  const faulty = new Set(issues.flatMap((part) => (part._tag === "Pointer" ? part.path.slice(0, 1) : [])))
  const sound = Object.fromEntries(
    related.flatMap((name) => (faulty.has(name) ? [] : [[name, input[name] ?? null]]))
  ) as Related
  const faults = relations(sound)
  return faults.length === 0
    ? issue
    : new SchemaIssue.Composite(ast, [...issues, Fault.issue(...faults)], input, options)
}

/** How to decode a query, so that all of its faults are listed. */
export const options = { ...Fault.options, onExcessProperty: "error" } as const

/** An endpoint with a query in its body lists all faults of it. */
export const queryOptions = Context.make(HttpApi.PayloadParseOptions, options)

export const QueryBody = Body.pipe(
  Schema.middlewareDecoding((decoded, { errors }) =>
    errors === "all" ? Effect.catchEager(decoded, (issue) => Effect.fail(withRelations(issue))) : decoded
  )
).check(Field.rule((body: QueryBody) => relations({ dimensions: null, include: null, order_by: null, ...body })))

const defaultOrder = (
  metrics: ReadonlyArray<Query.Metric>,
  dimensions: ReadonlyArray<Query.Dimension>
): ReadonlyArray<Query.Order> => [
  ...dimensions.filter(Query.isTimeDimension).map((by) => ({ by, direction: "asc" as const })),
  ...metrics.slice(0, 1).map((by) => ({ by, direction: "desc" as const }))
]

/** The request of a query, with its defaults. */
export const requestOf = (body: QueryBody): Query.Request => {
  const dimensions = body.dimensions ?? []
  const order = body.order_by ?? []
  return {
    siteId: body.site_id,
    metrics: body.metrics,
    dateRange:
      typeof body.date_range === "string" ? body.date_range : { first: body.date_range[0], last: body.date_range[1] },
    dimensions,
    filters: (body.filters ?? []).map(Filters.fromWire),
    orderBy:
      order.length > 0 ? order.map(([by, direction]) => ({ by, direction })) : defaultOrder(body.metrics, dimensions),
    comparison: body.include?.comparison ?? null,
    includeTotalRows: body.include?.total_rows ?? false,
    includeTimeLabels: body.include?.time_labels ?? false,
    limit: body.pagination?.limit ?? limits.rows,
    offset: body.pagination?.offset ?? 0
  }
}

const decodeUnknown = Schema.decodeUnknownResult(QueryBody, options)

/** Checks a query, or lists its faults. Their locations are relative to `input`. */
export const read = (input: unknown): Result.Result<QueryBody, ReadonlyArray<ValidationError>> =>
  Result.mapError(decodeUnknown(input), ({ issue }) => Fault.fromIssue(issue, []))

/** The request of a query, or its faults. */
export const decode = (input: unknown): Result.Result<Query.Request, ReadonlyArray<ValidationError>> =>
  Result.map(read(input), requestOf)
