/**
 * The statement that counts the groups of a report from stored visits, page views and events, by the rules of
 * `core/analytics/report/Evaluate`. Text only.
 *
 * A query without `event:` dimensions reads visits, and of the other rows only those that reach a goal or have revenue. Other
 * queries join the visits with all of their rows.
 *
 * @module
 */

import * as DateRange from "../../../core/analytics/report/DateRange.ts"
import * as Evaluate from "../../../core/analytics/report/Evaluate.ts"
import { pageviewName } from "../../../core/analytics/report/Fact.ts"
import * as Filters from "../../../core/analytics/report/Filters.ts"
import * as LocalTime from "../../../core/analytics/report/LocalTime.ts"
import {
  type Condition,
  type Dimension,
  type Filter,
  type FilterDimension,
  isTimeDimension,
  type Query,
  type VisitDimension
} from "../../../core/analytics/report/Query.ts"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import type { GoalRow } from "../../../core/analytics/report/Row.ts"
import * as DimensionSql from "./DimensionSql.ts"
import { Parameters } from "./Parameters.ts"
import * as VisitSql from "./VisitSql.ts"

export interface Input extends Pick<Query, "filters" | "timeZone"> {
  readonly hostedWebsiteId: string
  readonly dimensions: ReadonlyArray<Dimension>
  /** The days that the intervals cover, and possibly others between them, oldest first. At least one. */
  readonly days: ReadonlyArray<LocalTime.Day>
  /** Days of which the visits are stored. */
  readonly stored: ReadonlyArray<Interval>
  /** Days of which they are made of page views and events. */
  readonly raw: ReadonlyArray<Interval>
  /** Whether conversions are counted. */
  readonly conversions: boolean
  /** Whether revenue is summed. */
  readonly revenue: boolean
  readonly goals: ReadonlyArray<GoalRow>
  /**
   * Counts every visit under each of these dimensions at once: the groups have two more values, the dimension and its value.
   * Not together with `event:` dimensions and filters.
   */
  readonly each?: ReadonlyArray<Each>
}

/** A dimension without groups, or one that is the same for all rows of a visit. */
export type Each = "all" | "time:hour" | VisitDimension

/** A statement with its parameters. */
export interface Statement {
  readonly text: string
  readonly parameters: Parameters["values"]
}

/** More intervals than this are joined instead of written as conditions. */
const maxConditions = 8

const storedVisits = (parameters: Parameters, site: string, intervals: ReadonlyArray<Interval>): string => {
  const columns = ["visit_id", ...VisitSql.visitColumns].join(", ")
  if (intervals.length > maxConditions) {
    const starts = parameters.times(intervals.map(({ start }) => start))
    const ends = parameters.times(intervals.map(({ end }) => end))
    return `SELECT ${columns} FROM unnest(${starts}, ${ends}) AS stored (starts_at, ends_at)
      JOIN visit ON hosted_website_id = ${site} AND started_at >= starts_at AND started_at < ends_at`
  }
  const isInside = intervals.map(
    ({ end, start }) => `started_at >= ${parameters.time(start)} AND started_at < ${parameters.time(end)}`
  )
  return `SELECT ${columns} FROM visit WHERE hosted_website_id = ${site} AND (${isInside.join(" OR ")})`
}

/** The label of the time dimension at which a visit begins. */
const timeValue = (parameters: Parameters, dimension: Dimension, { days, timeZone }: Input): string => {
  if (!isTimeDimension(dimension)) throw new Error(`${dimension} is no time dimension`)
  if (dimension !== "time:hour") {
    const labels = days.map(({ date }) => DateRange.label(dimension, LocalTime.midnight(date)))
    return `(${parameters.texts(labels)})[day]`
  }
  const hours = days.flatMap((day) => LocalTime.hours(timeZone, day))
  const starts = parameters.times(hours.map(({ start }) => start))
  return `(${parameters.texts(hours.map(({ label }) => label))})[width_bucket(started_at, ${starts})]`
}

/**
 * The visits that share a visitor with another visit of their day. The visitors of the others need no `DISTINCT`, which would
 * otherwise be most of the work for many dimensions.
 */
const repeated = [
  `hashed AS (
    SELECT visit_id, day, unnest(coalesce(other_hashes, ARRAY[visitor_hash])) AS hash FROM visited
  )`,
  `repeated AS MATERIALIZED (
    SELECT DISTINCT visit_id FROM (SELECT visit_id, count(*) OVER (PARTITION BY day, hash) AS visits FROM hashed) AS seen
    WHERE visits > 1
  )`
]

const isGoalCondition = (filter: Filter): filter is Condition =>
  "dimension" in filter && filter.dimension === "event:goal"

/** The columns of every partial count, and how those of one group are joined. */
export const counts = [
  "visitors",
  "visits",
  "pageviews",
  "events",
  "visit_pageviews",
  "entries",
  "bounces",
  "duration",
  "conversions",
  "converted"
] as const

type Count = (typeof counts)[number]

/** A partial count: the given expressions, and 0 for the others. */
const partial = (dimensions: string, given: Partial<Record<Count | "revenue", string>>, from: string): string =>
  `SELECT ${dimensions} AS dimensions, ${counts.map((name) => `${given[name] ?? "0"} AS ${name}`).join(", ")},
    ${given.revenue ?? "NULL::text"} AS revenue ${from}`

export const statement = (input: Input): Statement => {
  const parameters = new Parameters()
  const { conversions, days, dimensions, each, filters, goals, raw, revenue, stored } = input
  const site = parameters.uuid(input.hostedWebsiteId)
  const usesGoals = Evaluate.usesGoals(input)
  const isOfEvent = (filter: Filter) => Filters.mentions(filter, DimensionSql.isEventDimension)
  const mentions = (is: (dimension: Dimension) => boolean) =>
    dimensions.some(is) || filters.some((filter) => Filters.mentions(filter, is))
  const visitFilters = filters.filter((filter) => !isOfEvent(filter))
  const factFilters = filters.filter(isOfEvent)

  // Every visit and time dimension is a column of `v`.
  const aliases = new Map<Dimension, string>()
  for (const dimension of [...dimensions, ...allDimensions(factFilters)]) {
    if (!DimensionSql.isEventDimension(dimension) && !aliases.has(dimension)) aliases.set(dimension, `w${aliases.size}`)
  }
  const read = (page: string) => (dimension: Dimension) => {
    if (dimension === "event:goal") return "goals"
    const alias = aliases.get(dimension)
    return alias ?? DimensionSql.factValue(parameters, dimension as FilterDimension, page)
  }
  const visits = [
    ...(stored.length === 0 ? [] : [storedVisits(parameters, site, stored)]),
    ...(raw.length === 0 ? [] : [`SELECT visit_id, ${VisitSql.visitColumns.join(", ")} FROM raw_visit`])
  ]
  const values = Array.from(aliases, ([dimension, alias]) => {
    const value = DimensionSql.isVisitDimension(dimension)
      ? DimensionSql.visitValue(dimension)
      : timeValue(parameters, dimension, input)
    return `${value} AS ${alias}`
  })
  const isMatching = visitFilters.map((filter) =>
    DimensionSql.matches(parameters, filter, (dimension) =>
      DimensionSql.isVisitDimension(dimension) ? DimensionSql.visitValue(dimension) : "NULL"
    )
  )
  const added = each === undefined ? [] : ["dimension", "value"]
  const eachValue = (dimension: Each) => {
    if (dimension === "all") return "''"
    return dimension === "time:hour" ? timeValue(parameters, dimension, input) : DimensionSql.visitValue(dimension)
  }
  const expressions = [
    ...(raw.length === 0
      ? []
      : [
          VisitSql.rawVisits(parameters, site, raw, { channel: mentions((dimension) => dimension === "visit:channel") })
        ]),
    `visited AS (
      SELECT *, width_bucket(started_at, ${parameters.times(days.map(({ start }) => start))}) AS day
      FROM (${visits.join(" UNION ALL ")}) AS found
    )`,
    ...(each === undefined ? [] : repeated),
    `v AS MATERIALIZED (
      SELECT ${[...VisitSql.countedColumns, "day", ...values, ...added].join(", ")}${
        each === undefined ? "" : ", visit_id IN (SELECT visit_id FROM repeated) AS is_repeated"
      } FROM visited ${
        each === undefined
          ? ""
          : `CROSS JOIN LATERAL (VALUES ${each
              .map((dimension) => `('${dimension}', ${eachValue(dimension)})`)
              .join(", ")}) AS each (dimension, value)`
      }
      ${isMatching.length === 0 ? "" : `WHERE ${isMatching.join(" AND ")}`}
    )`
  ]

  const needsGoals = conversions || usesGoals
  /** The facts of some kinds, of the visits of `v`. */
  const facts = (kinds: {
    readonly views: boolean
    readonly events: boolean
    readonly conversions: boolean
  }): string => {
    const visit = `visit_id, day, started_at, pageviews, is_bounce, v.duration, entry_page${[
      ...aliases.values(),
      ...added
    ]
      .map((alias) => `, ${alias}`)
      .join("")}`
    const join = (table: string) => `FROM v JOIN ${table} AS r ON r.hosted_website_id = ${site}
      AND coalesce(r.session_id, encode(r.visitor_hash, 'hex')) COLLATE "C" = v.session_key
      AND r.received_at >= v.started_at AND r.received_at <= v.ended_at
      AND r.received_at >= (SELECT min(started_at) FROM v) AND r.received_at <= (SELECT max(ended_at) FROM v)`
    const names = (kind: GoalRow["kind"], column: string) =>
      needsGoals ? DimensionSql.goalNames(parameters, goals, kind, column) : "NULL::text[]"
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

  const groupsByGoal = dimensions.includes("event:goal")
  /** The facts of `from` that match, with their group. `page` is the column that `event:page` reads. */
  const matched = (from: string, page: string): string => {
    const value = (dimension: Dimension) => (dimension === "event:goal" ? "goal" : read(page)(dimension))
    const group = `ARRAY[${[...dimensions.map(value), ...added].join(", ")}]::text[]`
    const conditions = [
      ...factFilters.map((filter) => DimensionSql.matches(parameters, filter, read(page))),
      ...(groupsByGoal
        ? filters.filter(isGoalCondition).map((filter) => DimensionSql.accepts(parameters, filter, "goal"))
        : [])
    ]
    return `SELECT ${group} AS dimensions, visit_id, day, hash, kind, pageviews, is_bounce, duration, amount, currency,
        coalesce(cardinality(goals), 0) > 0 AS converts
      FROM ${from} AS fact${groupsByGoal ? " CROSS JOIN LATERAL unnest(goals) AS goal" : ""}
      ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}`
  }
  const visitGroup = (page: string) => `ARRAY[${[...dimensions.map(read(page)), ...added].join(", ")}]::text[]`
  const parts: Array<string> = []
  const ofMatched = (from: string): void => {
    if (conversions) {
      parts.push(
        partial("dimensions", { conversions: "count(*)" }, `FROM ${from} WHERE converts GROUP BY dimensions`),
        partial(
          "dimensions",
          { converted: "count(*)" },
          `FROM (SELECT DISTINCT dimensions, day, hash FROM ${from} WHERE converts) AS one GROUP BY dimensions`
        )
      )
    }
    if (revenue) {
      parts.push(
        partial(
          "dimensions",
          { revenue: "jsonb_object_agg(currency, total)::text" },
          `FROM (SELECT dimensions, currency, sum(amount)::text AS total FROM ${from}
            WHERE amount IS NOT NULL GROUP BY dimensions, currency) AS total GROUP BY dimensions`
        )
      )
    }
  }

  if (mentions(DimensionSql.isEventDimension)) {
    const all = facts({ views: true, events: true, conversions: conversions || usesGoals })
    const isCounted = usesGoals ? "true" : "kind < 2"
    const usesPages = mentions((dimension) => dimension === "event:page")
    const usesOthers = mentions((dimension) => DimensionSql.isEventDimension(dimension) && dimension !== "event:page")
    expressions.push(`fact AS (${all})`, `matched AS MATERIALIZED (${matched("fact", "page")})`)
    const visitCounts = { entries: "count(*)", bounces: "sum(is_bounce::int)", duration: "sum(duration)" }
    parts.push(
      partial(
        "dimensions",
        { pageviews: "count(*) FILTER (WHERE kind = 0)", events: "count(*) FILTER (WHERE kind < 2)" },
        `FROM matched WHERE ${isCounted} GROUP BY dimensions`
      ),
      partial(
        "dimensions",
        { visitors: "count(*)" },
        `FROM (SELECT DISTINCT dimensions, day, hash FROM matched WHERE ${isCounted}) AS one GROUP BY dimensions`
      ),
      partial(
        "dimensions",
        { visits: "count(*)", visit_pageviews: "sum(pageviews)", ...(usesPages ? {} : visitCounts) },
        `FROM (SELECT DISTINCT dimensions, visit_id, pageviews, is_bounce, duration FROM matched WHERE ${isCounted}) AS one
          GROUP BY dimensions`
      )
    )
    if (usesPages && usesOthers) {
      expressions.push(`entry AS (${matched("fact", "entry_page")})`)
      parts.push(
        partial(
          "dimensions",
          visitCounts,
          `FROM (SELECT DISTINCT dimensions, visit_id, is_bounce, duration FROM entry WHERE ${isCounted}) AS one
            GROUP BY dimensions`
        )
      )
    } else if (usesPages) {
      const conditions = factFilters.map((filter) => DimensionSql.matches(parameters, filter, read("entry_page")))
      parts.push(
        partial(
          visitGroup("entry_page"),
          visitCounts,
          `FROM v ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`} GROUP BY 1`
        )
      )
    }
    ofMatched("matched")
  } else {
    const group = visitGroup("entry_page")
    const onlyRepeated = each === undefined ? "" : "AND is_repeated"
    parts.push(
      partial(
        group,
        {
          visits: "count(*)",
          pageviews: "sum(pageviews)",
          events: "sum(pageviews + events)",
          visit_pageviews: "sum(pageviews)",
          entries: "count(*)",
          bounces: "sum(is_bounce::int)",
          duration: "sum(duration)",
          ...(each === undefined
            ? {}
            : { visitors: "sum(coalesce(cardinality(other_hashes), 1)) FILTER (WHERE NOT is_repeated)" })
        },
        "FROM v GROUP BY 1"
      ),
      partial(
        "dimensions",
        { visitors: "count(*)" },
        `FROM (
          SELECT DISTINCT dimensions, day, hash FROM (
            SELECT ${group} AS dimensions, day, visitor_hash AS hash FROM v
            WHERE other_hashes IS NULL ${onlyRepeated}
            UNION ALL
            SELECT ${group}, day, unnest(other_hashes) FROM v WHERE other_hashes IS NOT NULL ${onlyRepeated}
          ) AS every
        ) AS one GROUP BY dimensions`
      )
    )
    if (conversions || revenue) {
      const kinds = {
        views: conversions && goals.some(({ kind }) => kind === "page"),
        events: revenue || goals.some(({ kind }) => kind === "event"),
        conversions
      }
      expressions.push(
        `fact AS (${facts(kinds)})`,
        `matched AS MATERIALIZED (SELECT * FROM (${matched("fact", "page")}) AS found WHERE converts OR amount IS NOT NULL)`
      )
      ofMatched("matched")
    }
  }

  return {
    text: `WITH RECURSIVE ${expressions.join(", ")}
      SELECT dimensions, ${counts.map((name) => `sum(${name})::bigint AS ${name}`).join(", ")}, max(revenue) AS revenue
      FROM (${parts.join(" UNION ALL ")}) AS part GROUP BY dimensions`,
    parameters: parameters.values
  }
}

/** The dimensions that filters mention. */
const allDimensions = (filters: ReadonlyArray<Filter>): ReadonlyArray<FilterDimension> => {
  const found = new Set<FilterDimension>()
  const collect = (filter: Filter): void => {
    if ("filters" in filter) filter.filters.forEach(collect)
    else if ("filter" in filter) collect(filter.filter)
    else found.add(filter.dimension)
  }
  filters.forEach(collect)
  return [...found]
}
