/**
 * Counts one report of many websites in a few statements: the sums of closed days are added in the database, and the other days
 * are computed there, website after website.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { Answer } from "../../../core/analytics/report/Answer.ts"
import * as Assembly from "../../../core/analytics/report/Assembly.ts"
import * as Counting from "../../../core/analytics/report/Counting.ts"
import * as Counts from "../../../core/analytics/report/Counts.ts"
import type * as DateRange from "../../../core/analytics/report/DateRange.ts"
import * as LocalTime from "../../../core/analytics/report/LocalTime.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import type { SiteQuery } from "../../../services/analytics/Reports.ts"
import * as Database from "../../Database.ts"
import * as StoredCounts from "./Counting.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import * as RollupRows from "./RollupRows.ts"
import * as RollupState from "./RollupState.ts"

/** A website with more page views or events since its closed days is counted alone, from its stored visits. */
const maxTail = 5000

/** Whether the query has one group, whose counts of different days can be added, and whole days that are known. */
export const isAdditive = ({ query }: SiteQuery): boolean => {
  const { divisors, total } = Counting.plan(query)
  const hasOneGroup = query.dimensions.length === 0 && query.filters.length === 0
  return (
    hasOneGroup &&
    divisors === null &&
    total === null &&
    query.range.first !== null &&
    query.comparison === null &&
    !query.metrics.includes("total_revenue")
  )
}

const States = Schema.Array(
  Schema.Struct({
    id: Schema.String,
    /** The first and the last day whose sums can be read, without a gap between them. Before the first there are no rows. */
    first: Schema.NullOr(Schema.String),
    last: Schema.NullOr(Schema.String),
    summedGoals: Schema.NullOr(Schema.String),
    goals: RollupState.Goals,
    /** The number of page views and events after these days, at most `maxTail` + 1 of each. */
    tail: Schema.Int
  })
)

type State = (typeof States.Type)[number]

const uuids = (ids: ReadonlyArray<string>) => Database.array(ids, PgTypes.OID.uuid)

/** Which days of the websites have sums. A website whose sums may be incomplete has none. */
const statesOf = (
  sql: SqlClient.SqlClient,
  queries: ReadonlyArray<SiteQuery>,
  timeZone: string,
  days: ReadonlyArray<LocalTime.Day>
) => {
  const tails = ["page_view", "event"].map(
    (table) => `(SELECT FROM ${table} AS fact WHERE fact.hosted_website_id = given.hosted_website_id
      AND received_at >= coalesce(stored.ends_at, $8) AND received_at < $9 LIMIT ${maxTail + 1})`
  )
  return sql
    .unsafe(
      `WITH given AS MATERIALIZED (
        SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS given (hosted_website_id, website_config_id)
      ), valid AS MATERIALIZED (
        SELECT hosted_website_id FROM given JOIN rollup_site AS state USING (hosted_website_id)
        WHERE state.time_zone = $3 AND version = $4 AND rolled_before IS NOT NULL
          AND hosted_website_id NOT IN (SELECT hosted_website_id FROM rollup_stale)
      ), stored AS MATERIALIZED (
        SELECT hosted_website_id, min(day) AS first, max(day) AS last, max(rolled.ends_at) AS ends_at, max(goals) AS goals
        FROM valid JOIN rollup_day AS rolled USING (hosted_website_id)
          JOIN unnest($5::date[], $6::timestamptz[], $7::timestamptz[]) AS named (day, starts_at, ends_at) USING (day)
        WHERE rolled.starts_at = named.starts_at AND rolled.ends_at = named.ends_at AND NOT is_partly_summed AND goals <> ''
        GROUP BY hosted_website_id HAVING max(day) - min(day) + 1 = count(*) AND max(goals) = min(goals)
      )
      SELECT hosted_website_id AS id, first, last, stored.goals AS "summedGoals", tail,
        (${RollupState.goalsJson("given.website_config_id")}) AS goals
      FROM given LEFT JOIN stored USING (hosted_website_id)
        CROSS JOIN LATERAL (SELECT count(*)::int AS tail FROM (${tails.join(" UNION ALL ")}) AS fact) AS counted`,
      [
        uuids(queries.map(({ site }) => site.hostedWebsiteId)),
        uuids(queries.map(({ site }) => site.websiteConfigId)),
        PgTypes.text(timeZone),
        PgTypes.int4(RollupState.version),
        Database.array(
          days.map(({ date }) => date),
          PgTypes.OID.date
        ),
        Database.array(
          days.map(({ start }) => start),
          PgTypes.OID.timestamptz
        ),
        Database.array(
          days.map(({ end }) => end),
          PgTypes.OID.timestamptz
        ),
        PgTypes.timestamptz(days[0]?.start ?? 0),
        PgTypes.timestamptz(days.at(-1)?.end ?? 0)
      ]
    )
    .pipe(decodeRows(States))
}

const Rows = Schema.Array(Schema.Struct({ ...StoredCounts.columns, id: Schema.String }))

const execute = (sql: SqlClient.SqlClient, statement: string, parameters: Parameters) =>
  sql.unsafe(statement, parameters.values).pipe(decodeRows(Rows))

/** Adds up the sums of each website's days. */
const summed = (sql: SqlClient.SqlClient, states: ReadonlyArray<State>, range: DateRange.Resolved) => {
  const parameters = new Parameters()
  const [first, last] = [parameters.date(range.first), parameters.date(range.last)]
  const ids = parameters.uuids(states.map(({ id }) => id))
  const [firsts, lasts] = [states.map((state) => state.first ?? ""), states.map((state) => state.last ?? "")].map(
    (dates) => parameters.dates(dates)
  )
  return execute(
    sql,
    `SELECT hosted_website_id AS id, '{}'::text[] AS dimensions, NULL::text AS revenue,
      ${GroupSql.counts.map((count) => `coalesce(sum(${count}), 0)::bigint AS ${count}`).join(", ")}
    FROM (
      SELECT hosted_website_id, first, last, ${RollupRows.dates}, ${RollupRows.elements(GroupSql.counts)}
      FROM unnest(${ids}, ${firsts}, ${lasts}) AS given (hosted_website_id, first, last)
        JOIN rollup USING (hosted_website_id)
      WHERE dimension = 'all' AND NOT is_month AND day >= ${RollupRows.monthOf(first)} AND day <= ${last} AND last_day >= ${first}
    ) AS each WHERE date >= first AND date <= last GROUP BY hosted_website_id`,
    parameters
  )
}

/** Computes the counts of websites with the same goals in some successive days. */
const computed = (
  sql: SqlClient.SqlClient,
  states: readonly [State, ...ReadonlyArray<State>],
  timeZone: string,
  days: ReadonlyArray<LocalTime.Day>,
  conversions: boolean
) => {
  const parameters = new Parameters()
  const ids = parameters.uuids(states.map(({ id }) => id))
  const statement = GroupSql.statement(parameters, {
    site: "given.hosted_website_id",
    timeZone,
    dimensions: [],
    filters: [],
    days,
    stored: [],
    raw: [{ start: days[0]?.start ?? 0, end: days.at(-1)?.end ?? 0 }],
    conversions,
    revenue: false,
    onlyChanges: false,
    until: undefined,
    goals: states[0].goals
  })
  return execute(
    sql,
    `SELECT hosted_website_id AS id, counted.* FROM unnest(${ids}) AS given (hosted_website_id) CROSS JOIN LATERAL (${statement}) AS counted`,
    parameters
  )
}

/** Counts the websites that share their time zone and their days. Those that must be counted alone have no counts. */
const countAlike = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  queries: readonly [SiteQuery, ...ReadonlyArray<SiteQuery>],
  range: DateRange.Resolved
): Effect.fn.Return<ReadonlyMap<string, Counts.Counts>, SqlError.SqlError> {
  const { query } = queries[0]
  const { timeZone } = query
  const days = LocalTime.days(timeZone, range.first, range.last)
  const states = (yield* statesOf(sql, queries, timeZone, days)).filter(
    ({ goals, summedGoals, tail }) =>
      tail <= maxTail && (summedGoals === null || summedGoals === RollupState.fingerprint(goals))
  )
  const counts = new Map(states.map(({ id }) => [id, Counts.none]))
  const add = (rows: typeof Rows.Type) => {
    for (const row of rows)
      counts.set(row.id, Counts.sum(counts.get(row.id) ?? Counts.none, StoredCounts.toCounts(row)))
  }
  const stored = states.filter(({ first }) => first !== null)
  if (stored.length > 0) add(yield* summed(sql, stored, range))
  const alike = Map.groupBy(
    states.filter(({ tail }) => tail > 0),
    ({ goals, last }) => JSON.stringify([last, goals])
  )
  for (const [first, ...others] of alike.values()) {
    if (first === undefined) continue
    const { last } = first
    const rest = last === null ? days : days.filter(({ date }) => date > last)
    const { conversions } = Counting.plan(query).groups
    add(yield* computed(sql, [first, ...others], timeZone, rest, conversions))
  }
  return counts
})

/**
 * The answers to queries for which `isAdditive` holds, by hosted website. Their metrics must be the same. Websites that must be
 * counted alone have none: they have many page views since their closed days, or sums of other goals than theirs.
 */
export const answers = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  queries: ReadonlyArray<SiteQuery>
): Effect.fn.Return<ReadonlyMap<string, Answer>, SqlError.SqlError> {
  const found = new Map<string, Answer>()
  const alike = Map.groupBy(queries, ({ query: { range, timeZone } }) => JSON.stringify([timeZone, range]))
  for (const [one, ...others] of alike.values()) {
    if (one === undefined) continue
    const { first, last } = one.query.range
    if (first === null) continue
    const counts = yield* countAlike(sql, [one, ...others], { first, last })
    for (const { query, site } of [one, ...others]) {
      const own = counts.get(site.hostedWebsiteId)
      if (own === undefined) continue
      const groups = { groups: [{ dimensions: [], counts: own }], divisors: null, total: null }
      found.set(site.hostedWebsiteId, Assembly.answer(query, Counting.counted(query, { first, last }, groups), null))
    }
  }
  return found
})
