/**
 * The scope of a statement that counts groups: the query, its parameters, and the columns of the visits `v`.
 *
 * @module
 */
import * as Evaluate from "../Evaluate.ts"
import * as Filters from "../Filters.ts"
import type * as LocalTime from "../LocalTime.ts"
import { type Dimension, type Filter, type FilterDimension, isEventDimension, type Query } from "../Query.ts"
import type { Interval } from "../RollupPlan.ts"
import type { GoalRow } from "../Row.ts"
import * as DimensionSql from "./DimensionSql.ts"
import type { Parameters } from "./Parameters.ts"
import { idColumn, type Websites } from "./VisitSql.ts"

export interface Input extends Pick<Query, "filters" | "timeZone"> {
  /** If they are several, the id of the hosted website is a last element of each group's dimensions. */
  readonly websites: Websites
  readonly dimensions: ReadonlyArray<Dimension>
  /** The days that the intervals cover, and possibly others between them, oldest first. At least one. */
  readonly days: ReadonlyArray<LocalTime.Day>
  /** Intervals whose visits are stored. */
  readonly stored: ReadonlyArray<Interval>
  /** Intervals whose visits are computed from page views and events, and from `stored` visits that these continue. */
  readonly raw: ReadonlyArray<Interval>
  /**
   * Whether only the visits of visitors who have a row in a raw interval are counted: as they are after these rows with the sign
   * 1, and as they are stored with the sign -1. The difference is what these rows add to the sums of the stored visits. The sign is
   * a last element of each group's dimensions.
   */
  readonly onlyChanges: boolean
  /** Only visits that began before this time count, in milliseconds since 1970. */
  readonly until: number | undefined
  /** Whether conversions are counted. */
  readonly conversions: boolean
  /** Whether revenue is summed. */
  readonly revenue: boolean
  readonly goals: ReadonlyArray<GoalRow>
}

export interface Scope extends Input {
  readonly parameters: Parameters
  readonly usesGoals: boolean
  /** The filters whose result is the same for all rows of a visit; `factFilters` are the others. */
  readonly visitFilters: ReadonlyArray<Filter>
  readonly factFilters: ReadonlyArray<Filter>
  /** The column of `v` with the value of each visit or time dimension that the groups or `factFilters` use. */
  readonly aliases: ReadonlyMap<Dimension, string>
}

/** The dimensions that filters mention. */
const ofFilters = (filters: ReadonlyArray<Filter>): ReadonlyArray<FilterDimension> => {
  const found = new Set<FilterDimension>()
  const collect = (filter: Filter): void => {
    if ("filters" in filter) filter.filters.forEach(collect)
    else if ("filter" in filter) collect(filter.filter)
    else found.add(filter.dimension)
  }
  filters.forEach(collect)
  return [...found]
}

/** The dimensions by which a query groups or filters. */
export const allDimensions = ({
  dimensions,
  filters
}: Pick<Query, "dimensions" | "filters">): ReadonlyArray<Dimension> => [...dimensions, ...ofFilters(filters)]

export const make = (parameters: Parameters, input: Input): Scope => {
  const isOfEvent = (filter: Filter) => Filters.mentions(filter, isEventDimension)
  const factFilters = input.filters.filter(isOfEvent)
  const aliases = new Map<Dimension, string>()
  for (const dimension of allDimensions({ ...input, filters: factFilters })) {
    if (!isEventDimension(dimension) && !aliases.has(dimension)) aliases.set(dimension, `w${aliases.size}`)
  }
  return {
    ...input,
    parameters,
    usesGoals: Evaluate.usesGoals(input),
    visitFilters: input.filters.filter((filter) => !isOfEvent(filter)),
    factFilters,
    aliases
  }
}

/** The visitors of each group, once for each day. */
export const visitors = (from: string): string => `(SELECT DISTINCT dimensions, day, hash FROM ${from}) AS one`

/** Whether the query groups by a dimension for which `is` holds, or a filter mentions one. */
export const mentions = ({ dimensions, filters }: Scope, is: (dimension: Dimension) => boolean): boolean =>
  dimensions.some(is) || filters.some((filter) => Filters.mentions(filter, is))

/** Reads the value of a dimension from a fact. `page` is the column that `event:page` reads. */
export const read =
  ({ aliases, parameters }: Scope, page: string) =>
  (dimension: Dimension): string =>
    dimension === "event:goal"
      ? "goals"
      : (aliases.get(dimension) ?? DimensionSql.factValue(parameters, dimension as FilterDimension, page))

/** The dimensions of a group, from their values. */
export const groupOf = ({ onlyChanges, websites }: Scope, values: ReadonlyArray<string>): string =>
  `ARRAY[${[...values, ...(onlyChanges ? ["sign"] : []), ...idColumn(websites)].join(", ")}]::text[]`

/** The group of a row of `v` or of a fact. */
export const group = (scope: Scope, page: string): string => groupOf(scope, scope.dimensions.map(read(scope, page)))
