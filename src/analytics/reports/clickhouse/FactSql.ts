/**
 * SQL for the facts of a visit: its page views, events and conversions, as an array of tuples. Pure: returns SQL text.
 *
 * @module
 */
import * as Filters from "../Filters.ts"
import type { Dimension, Query } from "../Query.ts"
import type { GoalRow } from "../Row.ts"
import * as DimensionSql from "./DimensionSql.ts"
import type { Parameters } from "./Parameters.ts"

/** The parts of a query that determine which parts of facts are read. */
export interface Input extends Pick<Query, "dimensions" | "filters"> {
  readonly parameters: Parameters
  readonly goals: ReadonlyArray<GoalRow>
  /** Whether conversions are counted. */
  readonly conversions: boolean
  /** Whether revenue is summed. */
  readonly revenue: boolean
}

const parts = ["kind", "hash", "page", "name", "properties", "amount", "currency", "goals"] as const

/** A part of a fact. */
export const of = (fact: string, part: (typeof parts)[number]): string =>
  `tupleElement(${fact}, ${parts.indexOf(part) + 1})`

/** A fact as filters and groups read it. `page` is the value of `event:page`. */
export const read = (fact: string, page = of(fact, "page")): DimensionSql.Fact => ({
  kind: of(fact, "kind"),
  page,
  name: of(fact, "name"),
  properties: of(fact, "properties"),
  goals: of(fact, "goals")
})

/** Whether a query groups or filters by a dimension for which `is` holds. */
export const mentions = (
  { dimensions, filters }: Pick<Query, "dimensions" | "filters">,
  is: (dimension: Dimension) => boolean
): boolean => dimensions.some(is) || filters.some((filter) => Filters.mentions(filter, is))

/** The column that stands for each part that the query does not use. It adds no cost, because every query reads it. */
const placeholder = "fact_kinds"

/** The facts of a visit, with the parts that the query reads. */
export const facts = (input: Input): string => {
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
