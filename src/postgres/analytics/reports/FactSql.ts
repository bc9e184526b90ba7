/**
 * The page views, events and conversions of the visits `v`, and those among them that match a query. Text only.
 *
 * @module
 */
import { pageviewName } from "../../../core/analytics/EventLimits.ts"
import type { Condition, Dimension, Filter } from "../../../core/analytics/report/Query.ts"
import type { GoalRow } from "../../../core/analytics/report/Row.ts"
import * as DimensionSql from "./DimensionSql.ts"
import * as GroupScope from "./GroupScope.ts"
import type { Parameters } from "./Parameters.ts"

/** The kinds of facts that are read. */
export interface Kinds {
  readonly views: boolean
  readonly events: boolean
  readonly conversions: boolean
}

/** All kinds. */
export const all: Kinds = { views: true, events: true, conversions: true }

/** Where facts are read from. */
export interface Source {
  readonly parameters: Parameters
  /** The parameter of the hosted website's id. */
  readonly site: string
  /** No visit of `v` begins earlier, in milliseconds since 1970: PostgreSQL leaves out the partitions before it. */
  readonly since: number
  /** The goals that facts may reach; null if nothing reads them. */
  readonly goals: ReadonlyArray<GoalRow> | null
}

/** The facts of some kinds, of the visits of `v`, with some columns of the visits. */
export const facts = (
  { goals, parameters, site, since }: Source,
  kinds: Kinds,
  columns: ReadonlyArray<string>
): string => {
  const first = parameters.time(since)
  const visit = columns.map((column) => `v.${column}`).join(", ")
  const join = (table: string) => `FROM v JOIN ${table} AS r ON r.hosted_website_id = ${site}
    AND coalesce(r.session_id, encode(r.visitor_hash, 'hex')) COLLATE "C" = v.session_key
    AND r.received_at >= ${first} AND r.received_at >= v.started_at AND r.received_at <= v.ended_at
    AND r.received_at >= (SELECT min(started_at) FROM v) AND r.received_at <= (SELECT max(ended_at) FROM v)`
  const names = (kind: GoalRow["kind"], column: string) =>
    goals === null ? "NULL::text[]" : DimensionSql.goalNames(parameters, goals, kind, column)
  const selected = [
    kinds.views
      ? `SELECT ${visit}, 0 AS kind, r.path AS page, '${pageviewName}' AS name, ${names("page", "r.path")} AS goals,
          NULL::json AS properties, NULL::numeric AS amount, NULL::text AS currency, r.visitor_hash AS hash
        ${join("page_view")}`
      : "",
    kinds.events
      ? `SELECT ${visit}, 1 AS kind, r.path AS page, r.name, ${names("event", "r.name")} AS goals, r.properties,
          r.revenue_amount AS amount, r.revenue_currency AS currency, r.visitor_hash AS hash
        ${join("event")}`
      : "",
    kinds.conversions
      ? `SELECT ${visit}, 2 AS kind, NULL AS page, NULL AS name, ARRAY[r.name] AS goals, NULL::json AS properties,
          NULL::numeric AS amount, NULL::text AS currency, v.visitor_hash AS hash
        FROM v JOIN conversion AS r ON r.hosted_website_id = ${site} AND r.session_key = v.session_key
          AND r.visit_started_at >= v.started_at AND r.visit_started_at <= v.ended_at
          AND r.visit_started_at >= (SELECT min(started_at) FROM v)`
      : ""
  ].filter((text) => text !== "")
  return selected.join(" UNION ALL ")
}

const isGoalCondition = (filter: Filter): filter is Condition =>
  "dimension" in filter && filter.dimension === "event:goal"

/** The facts of `from` that match, with their group. `page` is the column that `event:page` reads. */
export const matched = (scope: GroupScope.Scope, from: string, page: string): string => {
  const { dimensions, factFilters, filters, parameters } = scope
  const groupsByGoal = dimensions.includes("event:goal")
  const read = GroupScope.read(scope, page)
  const value = (dimension: Dimension) => (dimension === "event:goal" ? "goal" : read(dimension))
  const group = `ARRAY[${dimensions.map(value).join(", ")}]::text[]`
  const conditions = [
    ...factFilters.map((filter) => DimensionSql.matches(parameters, filter, read)),
    ...(groupsByGoal
      ? filters.filter(isGoalCondition).map((filter) => DimensionSql.accepts(parameters, filter, "goal"))
      : [])
  ]
  return `SELECT ${group} AS dimensions, visit_id, day, hash, kind, pageviews, is_bounce, duration, amount, currency,
      coalesce(cardinality(goals), 0) > 0 AS converts
    FROM ${from} AS fact${groupsByGoal ? " CROSS JOIN LATERAL unnest(goals) AS goal" : ""}
    ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}`
}
