/**
 * SQL for the values of dimensions and for filters, by the rules of `analytics/reports/Fact` and `Filters`. Pure: returns
 * SQL text.
 *
 * @module
 */

import { isStorable } from "../../../platform/text/Text.ts"
import * as Dimensions from "../Dimensions.ts"
import { notSet } from "../Dimensions.ts"
import * as Filters from "../Filters.ts"
import { type Condition, type Filter, type FilterDimension, propertyPrefix, type VisitDimension } from "../Query.ts"
import * as Sources from "../Sources.ts"
import type { GoalRow } from "../Visits.ts"
import type { Parameters } from "./Parameters.ts"
import { lower, source } from "./VisitSql.ts"

const orElse = (value: string, absent: string): string => `coalesce(nullif(${value}, ''), '${absent}')`

/** What is computed from the columns of `visit`. */
const computed: Partial<Record<Dimensions.Column, string>> = {
  referrer: `CASE WHEN coalesce(referrer_host, '') = '' THEN NULL
    ELSE referrer_host || CASE referrer_path WHEN '/' THEN '' ELSE coalesce(referrer_path, '') END END`
}

/** The value of a visit's dimension, from the columns of `visit` and, for `visit:source`, of `named`. */
export const visitValue = (dimension: VisitDimension): string => {
  const { absent, column } = Dimensions.ofVisits[dimension]
  return orElse(computed[column] ?? column, absent)
}

/** The columns of `visit` from which a dimension's value is computed. */
export const visitColumns = (dimension: VisitDimension): ReadonlyArray<string> => {
  const { column } = Dimensions.ofVisits[dimension]
  if (column === "source_name") return ["utm_source", "referrer_host"]
  return column === "referrer" ? ["referrer_host", "referrer_path"] : [column]
}

const omitted = (text: string): string => `regexp_replace(${text}, '${Sources.omitted}', '')`

const isOneOf = (value: string, texts: ReadonlyArray<string>): string =>
  `${value} = ANY ('{${texts.join(",")}}'::text[])`

/** The part of `low` at this place from its end. */
const part = (place: number): string => `split_part(low, '.', ${-place})`

/** Whether `low` may match one of the patterns, each of which takes a quarter of a millisecond. */
const mayMatch = [
  isOneOf(`concat(${part(2)}, '.', ${part(1)})`, Sources.endings.hosts),
  isOneOf(part(2), Sources.endings.domains),
  isOneOf(part(3), Sources.endings.domains)
].join(" OR ")

const sourceKey = `CASE WHEN ${mayMatch}
  THEN coalesce(${[...Sources.patterns.map((pattern) => `substring(low, '${pattern}')`), "low"].join(", ")}) ELSE low END`

/**
 * Visits with the column `source_name`, by the rules of `analytics/reports/Sources`. Each source is named once: there are far
 * fewer sources than visits.
 */
export const named = (from: string): string => `(
  SELECT * FROM ${from} LEFT JOIN (
    SELECT given, CASE ${sourceKey} ${Array.from(Sources.names, ([key, name]) => `WHEN '${key}' THEN '${name}'`).join(" ")}
      ELSE ${omitted("given")} END AS source_name
    FROM (
      SELECT given, ${omitted(lower("given"))} AS low FROM (SELECT DISTINCT ${source} AS given FROM ${from}) AS every
    ) AS spelled
  ) AS name ON given = ${source}
) AS named`

/** The value of a fact's dimension other than `event:goal`. `page` is the column that `event:page` reads. */
export const factValue = (parameters: Parameters, dimension: FilterDimension, page: string): string => {
  if (dimension === "event:page") return orElse(page, notSet)
  if (dimension === "event:name") return orElse("name", notSet)
  const property = dimension.slice(propertyPrefix.length)
  return isStorable(property) ? orElse(`properties ->> ${parameters.text(property)}`, notSet) : `'${notSet}'`
}

/** Whether a condition holds for one text. */
export const accepts = (parameters: Parameters, condition: Condition, text: string): string =>
  Filters.conditionSql(condition, (isEqual, values) => {
    const given = parameters.texts(values)
    return isEqual
      ? `${text} = ANY (${given})`
      : `EXISTS (SELECT FROM unnest(${given}) AS part WHERE strpos(${text}, part) > 0)`
  })

/** Whether a condition holds for an array of texts. */
const acceptsAny = (parameters: Parameters, condition: Condition, texts: string): string =>
  Filters.conditionSql(condition, (isEqual, values) => {
    const given = parameters.texts(values)
    return isEqual
      ? `${texts} && ${given}`
      : `EXISTS (SELECT FROM unnest(${texts}) AS text, unnest(${given}) AS part WHERE strpos(text, part) > 0)`
  })

/** Whether a filter holds. `read` returns the SQL of a dimension's value; for `event:goal`, of an array. */
export const matches = (parameters: Parameters, filter: Filter, read: (dimension: FilterDimension) => string): string =>
  Filters.matchesSql(filter, (condition) =>
    (condition.dimension === "event:goal" ? acceptsAny : accepts)(parameters, condition, read(condition.dimension))
  )

/** Whether a row reaches a goal. `column` is compared with the goal's value. */
const reaches = (parameters: Parameters, { kind, value }: GoalRow, column: string): string =>
  kind === "page" ? `${column} LIKE ${parameters.text(Filters.like(value))}` : `${column} = ${parameters.text(value)}`

/**
 * Whether a row reaches a goal of a kind; there must be at least one goal of the kind. The planner assumes that half of the rows
 * match a `CASE`. If it expected a single row, it could join the visits in a nested loop.
 */
export const reachesAny = (
  parameters: Parameters,
  goals: ReadonlyArray<GoalRow>,
  kind: GoalRow["kind"],
  column: string
): string =>
  `CASE WHEN ${goals
    .filter((goal) => goal.kind === kind)
    .map((goal) => reaches(parameters, goal, column))
    .join(" OR ")} THEN true ELSE false END`

/** An array of the names of the goals of a kind that a row reaches. `column` is compared with their values. */
export const goalNames = (
  parameters: Parameters,
  goals: ReadonlyArray<GoalRow>,
  kind: GoalRow["kind"],
  column: string
): string => {
  const names = goals
    .filter((goal) => goal.kind === kind)
    .map((goal) => `CASE WHEN ${reaches(parameters, goal, column)} THEN ${parameters.text(goal.name)} END`)
  return `array_remove(ARRAY[${names.join(", ")}]::text[], NULL)`
}
