/**
 * The statement that counts the groups of a report from stored visits, page views and events, by the rules of
 * `analytics/reports/Evaluate`. Pure: returns SQL text.
 *
 * A query without `event:` dimensions and filters reads visits, and from the facts only those that reach a goal or have
 * revenue. Other queries join the visits with their facts.
 *
 * @module
 */
import { columns as counts } from "../Counts.ts"
import * as DateRange from "../DateRange.ts"
import { notSet } from "../Dimensions.ts"
import * as Evaluate from "../Evaluate.ts"
import * as Filters from "../Filters.ts"
import * as LocalTime from "../LocalTime.ts"
import {
  type Condition,
  type Dimension,
  type Filter,
  type FilterDimension,
  isEventDimension,
  isTimeDimension,
  isVisitDimension,
  type Query
} from "../Query.ts"
import type { GoalRow } from "../Visits.ts"
import * as DimensionSql from "./DimensionSql.ts"
import * as FactSql from "./FactSql.ts"
import type { Parameters } from "./Parameters.ts"
import type { Interval } from "./RollupPlan.ts"
import * as VisitSql from "./VisitSql.ts"

export interface Input extends Pick<Query, "filters" | "timeZone"> {
  /** If they are several, the id of the hosted website is a last element of each group's dimensions. */
  readonly websites: VisitSql.Websites
  readonly dimensions: ReadonlyArray<Dimension>
  /** The days that the intervals cover, and possibly others between them, oldest first. At least one. */
  readonly days: ReadonlyArray<LocalTime.Day>
  /** Intervals whose visits are stored. */
  readonly stored: ReadonlyArray<Interval>
  /** Intervals whose visits are computed from page views and events, and from `stored` visits that these continue. */
  readonly raw: ReadonlyArray<Interval>
  /** Only visits that began before this time count, in milliseconds since 1970. */
  readonly until: number | undefined
  /** Whether conversions are counted. */
  readonly conversions: boolean
  /** Whether revenue is summed. */
  readonly revenue: boolean
  readonly goals: ReadonlyArray<GoalRow>
}

interface Scope extends Input {
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
const allDimensions = ({ dimensions, filters }: Pick<Query, "dimensions" | "filters">): ReadonlyArray<Dimension> => [
  ...dimensions,
  ...ofFilters(filters)
]

const scopeOf = (parameters: Parameters, input: Input): Scope => {
  const isOfEvent = (filter: Filter) => Filters.mentions(filter, isEventDimension)
  const factFilters = input.filters.filter(isOfEvent)
  const aliases = new Map<Dimension, string>()
  for (const dimension of allDimensions({ ...input, filters: factFilters })) {
    if (!isEventDimension(dimension) && !aliases.has(dimension)) aliases.set(dimension, `w${aliases.size}`)
  }
  return {
    ...input,
    goals: Evaluate.goalsOf(input, input.goals),
    parameters,
    usesGoals: Evaluate.usesGoals(input),
    visitFilters: input.filters.filter((filter) => !isOfEvent(filter)),
    factFilters,
    aliases
  }
}

/** The visitors of each group, once for each day. */
const visitors = (from: string): string => `(SELECT DISTINCT dimensions, day, hash FROM ${from}) AS one`

/** Whether the query groups by a dimension for which `is` holds, or a filter mentions one. */
const mentions = ({ dimensions, filters }: Scope, is: (dimension: Dimension) => boolean): boolean =>
  dimensions.some(is) || filters.some((filter) => Filters.mentions(filter, is))

/** Reads the value of a dimension from a fact. `page` is the column that `event:page` reads. */
const valueOf =
  ({ aliases, parameters }: Scope, page: string) =>
  (dimension: Dimension): string =>
    dimension === "event:goal"
      ? "goals"
      : (aliases.get(dimension) ?? DimensionSql.factValue(parameters, dimension as FilterDimension, page))

/** The dimensions of a group, from their values. */
const groupOf = ({ websites }: Scope, values: ReadonlyArray<string>): string =>
  `ARRAY[${[...values, ...VisitSql.idColumn(websites)].join(", ")}]::text[]`

/** The group of a row of `v` or of a fact. */
const groupBy = (scope: Scope, page: string): string => groupOf(scope, scope.dimensions.map(valueOf(scope, page)))

/** The columns of visits that a statement reads. */
const columnsOf = (scope: Scope): ReadonlyArray<string> => [
  ...new Set([
    ...VisitSql.countedColumns,
    ...allDimensions(scope).filter(isVisitDimension).flatMap(DimensionSql.visitColumns)
  ])
]

/** The value of the time dimension for the start of a visit. */
const timeValue = ({ days, parameters, timeZone }: Scope, dimension: Dimension): string => {
  if (!isTimeDimension(dimension)) throw new Error(`${dimension} is not a time dimension`)
  if (dimension !== "time:hour") {
    const labels = days.map(({ date }) => DateRange.label(dimension, LocalTime.midnight(date)))
    return `(${parameters.texts(labels)})[(day - 1) % ${days.length} + 1]`
  }
  const hours = days.flatMap((day) => LocalTime.hours(timeZone, day))
  const starts = parameters.times(hours.map(({ start }) => start))
  return `(${parameters.texts(hours.map(({ label }) => label))})[width_bucket(started_at, ${starts})]`
}

/** The earliest time at which a visit can begin. */
const firstStart = ({ raw, stored }: Scope): number => Math.min(...[...stored, ...raw].map(({ start }) => start))

/** Conditions on a row `r` that hold for a row of each visit that the query counts: the filters by some pages. */
const pageConditions = (scope: Scope): ReadonlyArray<string> =>
  scope.factFilters
    .filter(
      (filter) =>
        "dimension" in filter &&
        filter.dimension === "event:page" &&
        filter.operator === "is" &&
        // A lead has no page.
        !filter.values.includes(notSet)
    )
    .map((filter) => DimensionSql.matches(scope.parameters, filter, valueOf(scope, "r.path")))

/** The visitors who have a row for which conditions hold: far fewer than all of a month. */
const readers = (scope: Scope, conditions: ReadonlyArray<string>): string => {
  const { parameters, raw, stored, websites } = scope
  const [first, last] = [firstStart(scope), Math.max(...[...stored, ...raw].map(({ end }) => end))].map((time) =>
    parameters.time(time)
  )
  const rows = ["page_view", "event"].map(
    (table) => `SELECT visitor_hash FROM ${table} AS r WHERE r.hosted_website_id ${websites.isOne}
      AND r.received_at >= ${first} AND r.received_at < ${last} AND ${conditions.join(" AND ")}`
  )
  return `SELECT DISTINCT visitor_hash AS hash FROM (${rows.join(" UNION ALL ")}) AS row`
}

/** The common table expressions of the visits that a statement reads, stored or computed from rows. The last is `v`. */
const visitsOf = (scope: Scope): ReadonlyArray<string> => {
  const { aliases, days, parameters, raw, stored, until, visitFilters, websites } = scope
  const columns = columnsOf(scope)
  const selected = ["visit_id", ...columns]
  const id = VisitSql.idColumn(websites)
  const storedVisits = VisitSql.inIntervals(parameters, websites, stored, {
    columns: [...selected, ...id].join(", "),
    table: "visit",
    time: "started_at"
  })
  const continues = VisitSql.openParts(raw, days).length > 0
  const visits = [
    ...(stored.length === 0
      ? []
      : [`${storedVisits}${continues ? " AND visit_id NOT IN (SELECT visit_id FROM continued)" : ""}`]),
    ...(raw.length === 0
      ? []
      : [
          `SELECT ${[...selected, ...(websites.ids === null ? [] : [VisitSql.idOfDay(websites.ids, days)])].join(", ")}
            FROM raw_visit`
        ])
  ]
  const values = Array.from(aliases, ([dimension, alias]) => {
    const value = isVisitDimension(dimension) ? DimensionSql.visitValue(dimension) : timeValue(scope, dimension)
    return `${value} AS ${alias}`
  })
  const conditions = [
    ...visitFilters.map((filter) =>
      DimensionSql.matches(parameters, filter, (dimension) =>
        isVisitDimension(dimension) ? DimensionSql.visitValue(dimension) : "NULL"
      )
    ),
    ...(until === undefined ? [] : [`started_at < ${parameters.time(until)}`])
  ]
  const usesSources = mentions(scope, (dimension) => dimension === "visit:source")
  const ofPages = pageConditions(scope)
  return [
    ...(raw.length === 0 ? [] : [VisitSql.rawVisits(parameters, websites, raw, { columns, days })]),
    `visited AS (
      SELECT found.*, ${VisitSql.dayOf(parameters, websites, days, "started_at")} AS day
      FROM (${visits.join(" UNION ALL ")}) AS found (${[...selected, ...id].join(", ")})
      ${
        ofPages.length === 0
          ? ""
          : `LEFT JOIN (${readers(scope, ofPages)}) AS reader ON reader.hash = visitor_hash
        WHERE reader.hash IS NOT NULL OR other_hashes IS NOT NULL`
      }
    )`,
    `v AS MATERIALIZED (
      SELECT ${["visit_id", ...VisitSql.countedColumns, "day", ...id, ...values].join(", ")}
      FROM ${usesSources ? DimensionSql.named("visited") : "visited"}
      ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}
    )`
  ]
}

const isGoalCondition = (filter: Filter): filter is Condition =>
  "dimension" in filter && filter.dimension === "event:goal"

/** Whether only facts that reach a goal can match. */
const needsGoal = ({ dimensions, filters }: Pick<Query, "dimensions" | "filters">): boolean =>
  dimensions.includes("event:goal") ||
  filters.some((filter) => isGoalCondition(filter) && (filter.operator === "is" || filter.operator === "contains"))

/** The facts of `from` that match, with their group. `page` is the column that `event:page` reads. */
const factsThatMatch = (scope: Scope, from: string, page: string): string => {
  const { dimensions, factFilters, filters, parameters } = scope
  const groupsByGoal = dimensions.includes("event:goal")
  const read = valueOf(scope, page)
  const value = (dimension: Dimension) => (dimension === "event:goal" ? "goal" : read(dimension))
  const group = groupOf(scope, dimensions.map(value))
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

/** Expressions for some of the counts. */
export type Given = Partial<Record<(typeof counts)[number] | "revenue", string>>

/** A partial count: the columns of a group, the given expressions, and 0 for the counts that are not given. */
export const partial = (group: string, given: Given, from: string): string =>
  `SELECT ${group}, ${counts.map((name) => `${given[name] ?? "0"} AS ${name}`).join(", ")},
    ${given.revenue ?? "NULL::text"} AS revenue ${from}`

/**
 * Aggregates the partial counts of a group. Only `visitors` can come from two of them, in `DaySumSql`. Each other count comes
 * from one and is 0 in the rest. Its maximum is cheaper than a sum of `bigint`, which is a `numeric`.
 */
export const aggregates = `sum(visitors)::bigint AS visitors,
  ${counts
    .filter((name) => name !== "visitors")
    .map((name) => `max(${name})::bigint AS ${name}`)
    .join(", ")}, max(revenue) AS revenue`

const part = (dimensions: string, given: Given, from: string): string =>
  partial(`${dimensions} AS dimensions`, given, from)

/** The partial counts, and the expressions that they read. */
interface Counting {
  readonly expressions: ReadonlyArray<string>
  readonly parts: ReadonlyArray<string>
}

/** Whether the query mentions a dimension of facts other than `event:page`. */
const usesOthers = (scope: Scope): boolean =>
  mentions(scope, (dimension) => isEventDimension(dimension) && dimension !== "event:page")

/** The facts of some kinds, with the columns of their visits that groups and filters read. */
const factsOf = (scope: Scope, kinds: FactSql.Kinds, onlyReaching: boolean): string =>
  FactSql.facts(
    {
      ...scope,
      since: firstStart(scope),
      goals: scope.conversions || scope.usesGoals ? scope.goals : null,
      onlyReaching,
      // With other dimensions, the facts of a visit that do not match decide whether its entry counts.
      conditions: usesOthers(scope)
        ? []
        : scope.factFilters.map((filter) => DimensionSql.matches(scope.parameters, filter, valueOf(scope, "r.path")))
    },
    kinds,
    [
      ...["visit_id", "day", "started_at", "pageviews", "is_bounce", "duration", "entry_page"],
      ...VisitSql.idColumn(scope.websites),
      ...scope.aliases.values()
    ]
  )

/** Conversions and revenue of the facts in `matched`. */
const ofMatched = (scope: Scope): ReadonlyArray<string> => [
  ...(scope.conversions
    ? [
        part("dimensions", { conversions: "count(*)" }, `FROM matched WHERE converts GROUP BY dimensions`),
        part("dimensions", { converted: "count(*)" }, `FROM ${visitors("matched WHERE converts")} GROUP BY dimensions`)
      ]
    : []),
  ...(scope.revenue
    ? [
        part(
          "dimensions",
          { revenue: "jsonb_object_agg(currency, total)::text" },
          `FROM (SELECT dimensions, currency, sum(amount)::text AS total FROM matched
            WHERE amount IS NOT NULL GROUP BY dimensions, currency) AS total GROUP BY dimensions`
        )
      ]
    : [])
]

const visitCounts = { entries: "count(*)", bounces: "sum(is_bounce::int)", duration: "sum(duration)" }

/**
 * Bounces, durations and entries of a query that mentions `event:page`, which stands for the entry page here. With another
 * `event:` dimension, only visits with a matching fact count.
 */
const ofEntryPages = (scope: Scope, isCounted: string): Counting => {
  if (usesOthers(scope)) {
    const from = `FROM (SELECT DISTINCT dimensions, visit_id, is_bounce, duration
        FROM entry WHERE ${isCounted}) AS one
      GROUP BY dimensions`
    return {
      expressions: [`entry AS (${factsThatMatch(scope, "fact", "entry_page")})`],
      parts: [part("dimensions", visitCounts, from)]
    }
  }
  const conditions = scope.factFilters.map((filter) =>
    DimensionSql.matches(scope.parameters, filter, valueOf(scope, "entry_page"))
  )
  const from = `FROM v ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`} GROUP BY 1`
  return { expressions: [], parts: [part(groupBy(scope, "entry_page"), visitCounts, from)] }
}

/** The counts of a query with `event:` dimensions or filters. */
const ofFacts = (scope: Scope): Counting => {
  const { conversions, usesGoals } = scope
  const isCounted = usesGoals ? "true" : "kind < 2"
  const usesPages = mentions(scope, (dimension) => dimension === "event:page")
  const kinds = { views: true, events: true, conversions: conversions || usesGoals }
  const facts = factsOf(scope, kinds, needsGoal(scope))
  const matched = factsThatMatch(scope, "fact", "page")
  const entryPages = usesPages ? ofEntryPages(scope, isCounted) : { expressions: [], parts: [] }
  return {
    expressions: [
      FactSql.reach,
      `fact AS (${facts})`,
      `matched AS MATERIALIZED (${matched})`,
      ...entryPages.expressions
    ],
    parts: [
      part(
        "dimensions",
        { pageviews: "count(*) FILTER (WHERE kind = 0)", events: "count(*) FILTER (WHERE kind < 2)" },
        `FROM matched WHERE ${isCounted} GROUP BY dimensions`
      ),
      part(
        "dimensions",
        { visitors: "count(*)" },
        `FROM ${visitors(`matched WHERE ${isCounted}`)} GROUP BY dimensions`
      ),
      part(
        "dimensions",
        { visits: "count(*)", visit_pageviews: "sum(pageviews)", ...(usesPages ? {} : visitCounts) },
        `FROM (SELECT DISTINCT dimensions, visit_id, pageviews, is_bounce, duration
            FROM matched WHERE ${isCounted}) AS one
          GROUP BY dimensions`
      ),
      ...entryPages.parts,
      ...ofMatched(scope)
    ]
  }
}

/** Conversions and revenue of a query without `event:` dimensions and filters. */
const ofReachedGoals = (scope: Scope): Counting => {
  const { conversions, goals, revenue } = scope
  if (!conversions && !revenue) return { expressions: [], parts: [] }
  const kinds = {
    views: conversions && goals.some(({ kind }) => kind === "page"),
    events: revenue || goals.some(({ kind }) => kind === "event"),
    conversions
  }
  const facts = factsOf(scope, kinds, !revenue)
  const matched = factsThatMatch(scope, "fact", "page")
  return {
    expressions: [
      FactSql.reach,
      `fact AS (${facts})`,
      `matched AS MATERIALIZED (SELECT * FROM (${matched}) AS found WHERE converts OR amount IS NOT NULL)`
    ],
    parts: ofMatched(scope)
  }
}

/** The counts of a query without `event:` dimensions and filters. */
const ofVisits = (scope: Scope): Counting => {
  const group = groupBy(scope, "entry_page")
  const reachedGoals = ofReachedGoals(scope)
  return {
    expressions: reachedGoals.expressions,
    parts: [
      part(
        group,
        {
          ...visitCounts,
          visits: "count(*)",
          pageviews: "sum(pageviews)",
          events: "sum(pageviews + events)",
          visit_pageviews: "sum(pageviews)"
        },
        `FROM v GROUP BY 1`
      ),
      part(
        "dimensions",
        { visitors: "count(*)" },
        `FROM ${visitors(
          `(
            SELECT ${group} AS dimensions, day, visitor_hash AS hash FROM v WHERE other_hashes IS NULL
            UNION ALL
            SELECT ${group}, day, unnest(other_hashes) FROM v WHERE other_hashes IS NOT NULL
          ) AS every`
        )} GROUP BY dimensions`
      ),
      ...reachedGoals.parts
    ]
  }
}

/** The statement of a query. It can be a subquery. */
export const statement = (parameters: Parameters, input: Input): string => {
  const scope = scopeOf(parameters, input)
  const visited = visitsOf(scope)
  const { expressions, parts } = mentions(scope, isEventDimension) ? ofFacts(scope) : ofVisits(scope)
  return `WITH ${[...visited, ...expressions].join(", ")}
    SELECT dimensions, ${aggregates} FROM (${parts.join(" UNION ALL ")}) AS part GROUP BY dimensions`
}
