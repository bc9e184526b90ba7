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
import { isEventDimension } from "../Query.ts"
import * as DimensionSql from "./DimensionSql.ts"
import * as FactSql from "./FactSql.ts"
import * as GroupScope from "./GroupScope.ts"
import type { Parameters } from "./Parameters.ts"
import * as VisitedSql from "./VisitedSql.ts"
import * as VisitSql from "./VisitSql.ts"

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

/** The earliest time at which a visit can begin. */
const firstStart = ({ raw, stored }: GroupScope.Scope): number =>
  Math.min(...[...stored, ...raw].map(({ start }) => start))

/** Whether the query mentions a dimension of facts other than `event:page`. */
const usesOthers = (scope: GroupScope.Scope): boolean =>
  GroupScope.mentions(scope, (dimension) => isEventDimension(dimension) && dimension !== "event:page")

/** The facts of some kinds, with the columns of their visits that groups and filters read. */
const factsOf = (scope: GroupScope.Scope, kinds: FactSql.Kinds, onlyReaching: boolean): string =>
  FactSql.facts(
    {
      ...scope,
      since: firstStart(scope),
      goals: scope.conversions || scope.usesGoals ? scope.goals : null,
      onlyReaching,
      // With other dimensions, the facts of a visit that do not match decide whether its entry counts.
      conditions: [
        ...(scope.onlyChanges ? [FactSql.isOfVisitor(VisitSql.hashesOf("v"))] : []),
        ...(usesOthers(scope)
          ? []
          : scope.factFilters.map((filter) =>
              DimensionSql.matches(scope.parameters, filter, GroupScope.read(scope, "r.path"))
            ))
      ]
    },
    kinds,
    [
      ...["visit_id", "day", "started_at", "pageviews", "is_bounce", "duration", "entry_page"],
      ...(scope.onlyChanges ? ["sign"] : []),
      ...VisitSql.idColumn(scope.websites),
      ...scope.aliases.values()
    ]
  )

/** Conversions and revenue of the facts in `matched`. */
const ofMatched = (scope: GroupScope.Scope): ReadonlyArray<string> => [
  ...(scope.conversions
    ? [
        part("dimensions", { conversions: "count(*)" }, `FROM matched WHERE converts GROUP BY dimensions`),
        part(
          "dimensions",
          { converted: "count(*)" },
          `FROM ${GroupScope.visitors("matched WHERE converts")} GROUP BY dimensions`
        )
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
const ofEntryPages = (scope: GroupScope.Scope, isCounted: string): Counting => {
  if (usesOthers(scope)) {
    const from = `FROM (SELECT DISTINCT dimensions, visit_id, is_bounce, duration
        FROM entry WHERE ${isCounted}) AS one
      GROUP BY dimensions`
    return {
      expressions: [`entry AS (${FactSql.matched(scope, "fact", "entry_page")})`],
      parts: [part("dimensions", visitCounts, from)]
    }
  }
  const conditions = scope.factFilters.map((filter) =>
    DimensionSql.matches(scope.parameters, filter, GroupScope.read(scope, "entry_page"))
  )
  const from = `FROM v ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`} GROUP BY 1`
  return { expressions: [], parts: [part(GroupScope.group(scope, "entry_page"), visitCounts, from)] }
}

/** The counts of a query with `event:` dimensions or filters. */
const ofFacts = (scope: GroupScope.Scope): Counting => {
  const { conversions, usesGoals } = scope
  const isCounted = usesGoals ? "true" : "kind < 2"
  const usesPages = GroupScope.mentions(scope, (dimension) => dimension === "event:page")
  const kinds = { views: true, events: true, conversions: conversions || usesGoals }
  const facts = factsOf(scope, kinds, FactSql.needsGoal(scope))
  const matched = FactSql.matched(scope, "fact", "page")
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
        `FROM ${GroupScope.visitors(`matched WHERE ${isCounted}`)} GROUP BY dimensions`
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
const ofReachedGoals = (scope: GroupScope.Scope): Counting => {
  const { conversions, goals, revenue } = scope
  if (!conversions && !revenue) return { expressions: [], parts: [] }
  const kinds = {
    views: conversions && goals.some(({ kind }) => kind === "page"),
    events: revenue || goals.some(({ kind }) => kind === "event"),
    conversions
  }
  const facts = factsOf(scope, kinds, !revenue)
  const matched = FactSql.matched(scope, "fact", "page")
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
const ofVisits = (scope: GroupScope.Scope): Counting => {
  const group = GroupScope.group(scope, "entry_page")
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
        `FROM ${GroupScope.visitors(
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
export const statement = (parameters: Parameters, input: GroupScope.Input): string => {
  const scope = GroupScope.make(parameters, input)
  const visited = VisitedSql.expressions(scope)
  const { expressions, parts } = GroupScope.mentions(scope, isEventDimension) ? ofFacts(scope) : ofVisits(scope)
  return `WITH ${[...visited, ...expressions].join(", ")}
    SELECT dimensions, ${aggregates} FROM (${parts.join(" UNION ALL ")}) AS part GROUP BY dimensions`
}
