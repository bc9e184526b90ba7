/**
 * The statement that counts the groups of a report, by the rules of `analytics/reports/Evaluate`. Pure: returns SQL text.
 *
 * A row is a visit with its facts as an array. A query without `event:` dimensions and filters counts visits. For other
 * queries each visit is split into its groups first, so that the server needs no set of all visits.
 *
 * @module
 */
import * as Evaluate from "../Evaluate.ts"
import * as Filters from "../Filters.ts"
import type * as LocalTime from "../LocalTime.ts"
import {
  type Condition,
  type Dimension,
  type Filter,
  type FilterDimension,
  isEventDimension,
  isTimeDimension,
  isVisitDimension,
  type Query,
  type VisitDimension
} from "../Query.ts"
import type { GoalRow } from "../Visits.ts"
import * as DimensionSql from "./DimensionSql.ts"
import type { Parameters } from "./Parameters.ts"
import * as VisitSql from "./VisitSql.ts"

/** The parts of a query that determine which parts of facts are read. */
interface FactInput extends Pick<Query, "dimensions" | "filters"> {
  readonly parameters: Parameters
  readonly goals: ReadonlyArray<GoalRow>
  /** Whether conversions are counted. */
  readonly conversions: boolean
  /** Whether revenue is summed. */
  readonly revenue: boolean
}

export interface Input extends FactInput {
  /** The offsets of the query's time zone; the first begins before the first visit. */
  readonly offsets: ReadonlyArray<LocalTime.Offset>
  /** Whether visitors are counted. */
  readonly visitors: boolean
  /** Whether the groups are those of each website, whose id is the first of their dimensions. */
  readonly bySite?: boolean
  /** Groups the visits by each of these dimensions in one pass. The last two dimensions of a group are the dimension's name and value. */
  readonly each?: ReadonlyArray<VisitDimension>
  /** Only visits that began before this time count, in milliseconds since 1970. */
  readonly until: number | undefined
}

const factParts = ["kind", "hash", "page", "name", "properties", "amount", "currency", "goals"] as const

/** A part of a fact. */
const partOf = (fact: string, part: (typeof factParts)[number]): string =>
  `tupleElement(${fact}, ${factParts.indexOf(part) + 1})`

/** A fact as filters and groups read it. `page` is the value of `event:page`. */
const readFact = (fact: string, page = partOf(fact, "page")): DimensionSql.Fact => ({
  kind: partOf(fact, "kind"),
  page,
  name: partOf(fact, "name"),
  properties: partOf(fact, "properties"),
  goals: partOf(fact, "goals")
})

/** Whether a query groups or filters by a dimension for which `is` holds. */
const mentions = (
  { dimensions, filters }: Pick<Query, "dimensions" | "filters">,
  is: (dimension: Dimension) => boolean
): boolean => dimensions.some(is) || filters.some((filter) => Filters.mentions(filter, is))

/** The column that stands for each part that the query does not use. It adds no cost, because every query reads it. */
const placeholder = "fact_kinds"

/** The facts of a visit, with the parts that the query reads. */
const factsOf = (input: FactInput): string => {
  const { conversions, goals, parameters, revenue } = input
  const usesGoals = conversions || mentions(input, (dimension) => dimension === "event:goal")
  const usesNames = usesGoals || mentions(input, (dimension) => dimension === "event:name")
  const usesProperties = mentions(input, (dimension) => dimension.startsWith("event:props:"))
  const usesPages =
    mentions(input, (dimension) => dimension === "event:page") ||
    (usesGoals && goals.some(({ kind }) => kind === "page"))
  const columns = {
    kind: "fact_kinds",
    hash: "fact_hashes",
    page: usesPages ? "fact_pages" : placeholder,
    name: usesNames ? "fact_names" : placeholder,
    properties: usesProperties ? "fact_properties" : placeholder,
    amount: revenue ? "fact_amounts" : placeholder,
    currency: revenue ? "fact_currencies" : placeholder
  }
  const names = Object.keys(columns).join(", ")
  const goalNames = usesGoals
    ? DimensionSql.goalNames(parameters, goals, { kind: "kind", page: "page", name: "name" })
    : "kind"
  return `arrayMap((${names}) -> tuple(${names}, ${goalNames}), ${Object.values(columns).join(", ")})`
}

/** The expressions that count a group. */
type Counts = Readonly<
  Record<
    | "visitors"
    | "visits"
    | "pageviews"
    | "events"
    | "visit_pageviews"
    | "entries"
    | "bounces"
    | "duration"
    | "conversions"
    | "converted",
    string
  > & {
    /** A tuple of arrays: currencies and their sums. Undefined if revenue is not summed. */
    readonly revenue: string | undefined
  }
>

/** Counts distinct pairs of a day and a hash. Each pair is a 128-bit number: counting tuples takes three times as long. */
const countVisitors = (hashes: string): string =>
  `uniqExactArray(arrayMap(hash -> bitXor(reinterpretAsUInt128(hash), toUInt128(day)), ${hashes}))`

const hashesOf = (facts: string): string => `arrayMap(fact -> ${partOf("fact", "hash")}, ${facts})`

const countFacts = (condition: string, facts: string): string =>
  `sum(arrayCount(fact -> ${partOf("fact", "kind")} ${condition}, ${facts}))`

/** Counts conversions in the facts `matched`, and sums the revenue of the facts `counted`. */
const factCounts = (
  { conversions, revenue }: Input,
  matched: string,
  counted: string
): Pick<Counts, "conversions" | "converted" | "revenue"> => {
  const converting = `arrayFilter(fact -> notEmpty(${partOf("fact", "goals")}), ${matched})`
  const paid = `arrayFilter(fact -> ${partOf("fact", "currency")} != '', ${counted})`
  return {
    conversions: conversions ? `sum(length(${converting}))` : "0",
    converted: conversions ? countVisitors(hashesOf(converting)) : "0",
    // `sumMap` drops a currency whose sums are all 0. The sum of the 1s keeps a currency whose amounts sum to 0.
    revenue: revenue
      ? `sumMap(arrayMap(fact -> toString(${partOf("fact", "currency")}), ${paid}),
          arrayMap(fact -> toDecimal128(${partOf("fact", "amount")}, 3), ${paid}),
          arrayMap(fact -> 1, ${paid}))`
      : undefined
  }
}

/** A placeholder for the visits, until the columns that the statement reads are known. */
const visitsPlaceholder = "VISITS"

/** One SELECT without a subquery for its groups, because ClickHouse takes milliseconds to analyze each level. */
const statementOf = (
  { bySite }: Input,
  ofQuery: ReadonlyArray<string>,
  { revenue, ...counts }: Counts,
  from: string
): string => {
  const dimensions = [...(bySite === true ? ["hosted_website_id"] : []), ...ofQuery]
  const names = dimensions.map((_, index) => `d${index}`)
  const values = [
    `[${names.map((name) => `toString(${name})`).join(", ")}]::Array(String) AS dimensions`,
    ...dimensions.map((value, index) => `${value} AS d${index}`),
    ...Object.entries(counts).map(([name, value]) => `${value} AS ${name}`),
    ...(revenue === undefined
      ? ["[]::Array(Tuple(String, String)) AS revenue"]
      : [
          `${revenue} AS revenues`,
          "arrayMap((currency, total) -> (currency, toString(total)), revenues.1, revenues.2) AS revenue"
        ])
  ]
  return `SELECT ${values.join(",\n      ")}
    FROM ${from} ${names.length === 0 ? "" : `GROUP BY ${names.join(", ")}`}`
}

const visitValue = (dimension: Dimension): string => {
  if (isTimeDimension(dimension)) return DimensionSql.timeValue(dimension)
  if (isVisitDimension(dimension)) return DimensionSql.visitValue(dimension)
  throw new Error(`${dimension} is not a dimension of visits`)
}

/** The visits for which the filters without `event:` dimensions hold. */
const filteredVisits = (input: Input): string => {
  const { each, offsets, parameters, until } = input
  const ofFilters = input.filters
    .filter((filter) => !mentions({ dimensions: [], filters: [filter] }, isEventDimension))
    .map((filter) => DimensionSql.matches(parameters, filter, visitValue))
  const conditions = [...ofFilters, ...(until === undefined ? [] : [`started_at < ${parameters.time(until)}`])]
  const named = each?.map((dimension) => `('${dimension}', toString(${DimensionSql.visitValue(dimension)}))`)
  const split = named === undefined ? "" : `, arrayJoin([${named.join(", ")}]) AS named`
  return `(
    SELECT *, ${DimensionSql.localOffset(parameters, offsets)} AS local_offset, ${DimensionSql.localDay} AS day${split}
    FROM ${visitsPlaceholder} ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}
  )`
}

/** The statement of a query without `event:` dimensions and filters. */
const ofVisits = (input: Input): string => {
  const usesFacts = input.conversions || input.revenue
  const from = usesFacts
    ? `(SELECT *, ${factsOf(input)} AS facts FROM ${filteredVisits(input)})`
    : filteredVisits(input)
  return statementOf(
    input,
    [...input.dimensions.map(visitValue), ...(input.each === undefined ? [] : ["named.1", "named.2"])],
    {
      visitors: input.visitors ? countVisitors("hashes") : "0",
      visits: "count()",
      pageviews: "sum(view_count)",
      events: "sum(view_count + event_count)",
      visit_pageviews: "sum(view_count)",
      entries: "count()",
      bounces: "countIf(is_bounce)",
      duration: "sum(seconds)",
      ...factCounts(input, "facts", "facts")
    },
    from
  )
}

/** The key of a group. A single text is its own key, because an array takes longer. */
const keyOf = (values: ReadonlyArray<string>): string =>
  values.length === 1 ? (values[0] ?? "") : `[${values.join(", ")}]::Array(String)`

const isGoalCondition = (filter: Filter): filter is Condition =>
  "dimension" in filter && filter.dimension === "event:goal"

/**
 * Pairs of a group and a matching fact of a visit. If the query groups by goal, a fact has a pair for each goal. `page` is the
 * value of `event:page`.
 */
const pairs = (input: Input, from: string, page?: string): string => {
  const { dimensions, filters, parameters } = input
  const fact = readFact("fact", page)
  const value = (dimension: FilterDimension): string =>
    isVisitDimension(dimension)
      ? DimensionSql.visitValue(dimension)
      : DimensionSql.factValue(parameters, dimension, fact)
  const conditions = filters
    .filter((filter) => mentions({ dimensions: [], filters: [filter] }, isEventDimension))
    .map((filter) => DimensionSql.matches(parameters, filter, value))
  const matching =
    conditions.length === 0
      ? from
      : `arrayFilter(fact -> ${conditions.map((one) => `(${one})`).join(" AND ")}, ${from})`
  const ofEvents = dimensions.filter(isEventDimension) as ReadonlyArray<FilterDimension>
  const group = ofEvents.map((dimension) =>
    dimension === "event:goal" ? "toString(goal)" : `toString(${value(dimension)})`
  )
  const pair = `(${keyOf(group)}, fact)`
  if (!ofEvents.includes("event:goal")) return `arrayMap(fact -> ${pair}, ${matching})`
  const accepted = filters.filter(isGoalCondition).map((one) => `(${DimensionSql.accepts(parameters, one, "goal")})`)
  const goals = accepted.length === 0 ? fact.goals : `arrayFilter(goal -> ${accepted.join(" AND ")}, ${fact.goals})`
  return `arrayFlatten(arrayMap(fact -> arrayMap(goal -> ${pair}, ${goals}), ${matching}))`
}

/** The statement of a query with `event:` dimensions or filters. For bounces and durations, `event:page` is the entry page. */
const ofFacts = (input: Input): string => {
  const usesPages = mentions(input, (dimension) => dimension === "event:page")
  const isCounted = (fact: string) => (Evaluate.usesGoals(input) ? "true" : `${partOf(fact, "kind")} < 2`)
  const entered = usesPages
    ? `arrayMap(pair -> pair.1, ${pairs(input, `arrayFilter(fact -> ${isCounted("fact")}, facts)`, "entry_page")})`
    : `arrayMap(pair -> pair.1, arrayFilter(pair -> ${isCounted("pair.2")}, pairs))`
  const events = input.dimensions.filter(isEventDimension)
  const dimensions = input.dimensions.map((dimension) =>
    isEventDimension(dimension)
      ? `key${events.length === 1 ? "" : `[${events.indexOf(dimension) + 1}]`}`
      : visitValue(dimension)
  )
  const from = `(
    SELECT *, has(entered, key) AS is_entry, arrayMap(pair -> pair.2, arrayFilter(pair -> pair.1 = key, pairs)) AS matched,
      arrayFilter(fact -> ${isCounted("fact")}, matched) AS counted
    FROM (
      SELECT *, ${entered} AS entered,
        arrayJoin(arrayDistinct(arrayConcat(arrayMap(pair -> pair.1, pairs), entered))) AS key
      FROM (
        SELECT *, ${pairs(input, "facts")} AS pairs
        FROM (SELECT *, ${factsOf(input)} AS facts FROM ${filteredVisits(input)})
      )
    )
  )`
  return statementOf(
    input,
    dimensions,
    {
      visitors: input.visitors ? countVisitors(hashesOf("counted")) : "0",
      visits: "countIf(notEmpty(counted))",
      pageviews: countFacts("= 0", "counted"),
      events: countFacts("< 2", "counted"),
      visit_pageviews: "sumIf(view_count, notEmpty(counted))",
      entries: "countIf(is_entry)",
      bounces: "countIf(is_entry AND is_bounce)",
      duration: "sumIf(seconds, is_entry)",
      ...factCounts(input, "matched", "counted")
    },
    from
  )
}

/** The statement of a query. `visits` returns a statement that selects columns of visits. */
export const statement = (given: Input, visits: (columns: typeof VisitSql.columns) => string): string => {
  const input = { ...given, goals: Evaluate.goalsOf(given, given.goals) }
  const text = mentions(input, isEventDimension) ? ofFacts(input) : ofVisits(input)
  return text.replace(visitsPlaceholder, () => `(${visits(VisitSql.mentioned(text))})`)
}
