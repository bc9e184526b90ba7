/**
 * SQL for the facts of the visits `v`. Pure: returns SQL text.
 *
 * @module
 */
import { pageviewName } from "../../EventLimits.ts"
import type { GoalRow } from "../Visits.ts"
import * as DimensionSql from "./DimensionSql.ts"
import type { Parameters } from "./Parameters.ts"
import * as VisitSql from "./VisitSql.ts"

/** The kinds of facts that are read. */
export interface Kinds {
  readonly views: boolean
  readonly events: boolean
  readonly conversions: boolean
}

/** When the first visit of `v` begins, and when the last one ends. Materialized, so `v` is read once. */
export const reach = `reach AS MATERIALIZED (SELECT min(started_at) AS starts_at, max(ended_at) AS ends_at FROM v)`

/**
 * Whether a row is of one of some visitors. Implied by the visits to which it belongs, but cheaper to check than its session key:
 * it spares the other rows of a day if few visits are spread over it.
 *
 * Page views have no index by visitor: it would cost each of them 2 µs and 30 bytes, besides 182, and would save a rollup run 110 of
 * 430 ms after a burst of 375,000 page views (2026-11-30).
 */
export const isOfVisitor = (hashes: string): string => `r.visitor_hash IN (${hashes})`

/** Where facts are read from. */
export interface Source {
  readonly parameters: Parameters
  /** The websites of the visits. If they are several, `v` has the column `hosted_website_id`. */
  readonly websites: VisitSql.Websites
  /** No visit of `v` begins before this time, in milliseconds since 1970. PostgreSQL skips the partitions before it. */
  readonly since: number
  /** The goals that facts may reach; null if nothing reads them. */
  readonly goals: ReadonlyArray<GoalRow> | null
  /** Whether only facts that reach a goal are read. */
  readonly onlyReaching: boolean
  /** SQL conditions on a page view or event `r` and its visit `v`. Facts that do not satisfy them are not read. */
  readonly conditions: ReadonlyArray<string>
}

/** The facts of the visits `v`, if they are of the given kinds, with the given columns of their visits. */
export const facts = (
  { conditions, goals, onlyReaching, parameters, since, websites }: Source,
  kinds: Kinds,
  columns: ReadonlyArray<string>
): string => {
  const first = parameters.time(since)
  const visit = columns.map((column) => `v.${column}`).join(", ")
  const ofWebsite = `r.hosted_website_id ${websites.isOne}${VisitSql.idColumn(websites)
    .map((column) => ` AND r.${column} = v.${column}`)
    .join("")}`
  const ofVisit = `${ofWebsite}
    AND coalesce(r.session_id, encode(r.visitor_hash, 'hex')) COLLATE "C" = v.session_key
    AND r.received_at >= ${first} AND r.received_at >= v.started_at AND r.received_at <= v.ended_at`
  /** `reaching` and `conditions` are part of the join's condition, so that most rows of a website do not enter the join. */
  const joined = (select: string, table: string, kind: GoalRow["kind"], column: string) => {
    if (onlyReaching && !goals?.some((goal) => goal.kind === kind)) return []
    const reaching = onlyReaching ? [DimensionSql.reachesAny(parameters, goals ?? [], kind, column)] : []
    return [
      `${select} FROM v JOIN ${table} AS r ON ${[ofVisit, ...reaching, ...conditions].join(" AND ")}
      AND r.received_at >= (SELECT starts_at FROM reach) AND r.received_at <= (SELECT ends_at FROM reach)`
    ]
  }
  const names = (kind: GoalRow["kind"], column: string) =>
    goals === null ? "NULL::text[]" : DimensionSql.goalNames(parameters, goals, kind, column)
  const selected = [
    ...(kinds.views
      ? joined(
          `SELECT ${visit}, 0 AS kind, r.path AS page, '${pageviewName}' AS name, ${names("page", "r.path")} AS goals,
            NULL::json AS properties, NULL::numeric AS amount, NULL::text AS currency, r.visitor_hash AS hash`,
          "page_view",
          "page",
          "r.path"
        )
      : []),
    ...(kinds.events
      ? joined(
          `SELECT ${visit}, 1 AS kind, r.path AS page, r.name, ${names("event", "r.name")} AS goals, r.properties,
            r.revenue_amount AS amount, r.revenue_currency AS currency, r.visitor_hash AS hash`,
          "event",
          "event",
          "r.name"
        )
      : []),
    ...(kinds.conversions
      ? [
          `SELECT ${visit}, 2 AS kind, NULL AS page, NULL AS name, ARRAY[r.name] AS goals, NULL::json AS properties,
          NULL::numeric AS amount, NULL::text AS currency, v.visitor_hash AS hash
        FROM v JOIN conversion AS r ON ${ofWebsite} AND r.session_key = v.session_key
          AND r.visit_started_at >= v.started_at AND r.visit_started_at <= v.ended_at
          AND r.visit_started_at >= (SELECT starts_at FROM reach)`
        ]
      : [])
  ]
  return selected.join(" UNION ALL ")
}
