/**
 * Counts one report of many websites in a few statements: the sums of closed days are added in the database, and the other days
 * are computed there, for some hundred websites at a time.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import type { Answer } from "../Answer.ts"
import * as Assembly from "../Assembly.ts"
import * as Counting from "../Counting.ts"
import * as Counts from "../Counts.ts"
import * as DateRange from "../DateRange.ts"
import * as LocalTime from "../LocalTime.ts"
import type { Query } from "../Query.ts"
import type { SiteQuery } from "../Reports.ts"
import * as StoredCounts from "./Counting.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import * as RollupRows from "./RollupRows.ts"
import * as RollupState from "./RollupState.ts"
import * as VisitSql from "./VisitSql.ts"

/** A website with more page views or events since its closed days is counted alone, from its stored visits. */
const maxTail = 5000

/** The websites, and their page views and events since their closed days, of one statement. */
const maxComputed = { websites: 500, rows: 100_000 }

const States = Schema.Array(
  Schema.Struct({
    id: Schema.String,
    /** The first and the last day whose sums can be read, without a gap between them. Before the first there are no rows. */
    first: Schema.NullOr(Schema.String),
    last: Schema.NullOr(Schema.String),
    goals: RollupState.Goals,
    /** The number of page views and events after these days, at most `maxTail` + 1 of each. */
    tail: Schema.Int
  })
)

type State = (typeof States.Type)[number]

const uuids = (ids: ReadonlyArray<string>) => Database.array(ids, PgTypes.OID.uuid)

/** Which days of the websites have sums that may be read. A website whose sums may be incomplete has none. */
const statesOf = (
  sql: SqlClient.SqlClient,
  queries: ReadonlyArray<SiteQuery>,
  timeZone: string,
  days: ReadonlyArray<LocalTime.Day>,
  readsSums: boolean
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
        SELECT hosted_website_id, min(day) AS first, max(day) AS last, max(rolled.ends_at) AS ends_at
        FROM valid JOIN rollup_day AS rolled USING (hosted_website_id)
          JOIN unnest($5::date[], $6::timestamptz[], $7::timestamptz[]) AS named (day, starts_at, ends_at) USING (day)
        WHERE rolled.starts_at = named.starts_at AND rolled.ends_at = named.ends_at AND NOT is_partly_summed AND ${RollupState.isCounted}
        GROUP BY hosted_website_id HAVING max(day) - min(day) + 1 = count(*)
      )
      SELECT hosted_website_id AS id, first, last, tail,
        (${RollupState.goalsJson("given.website_config_id")}) AS goals
      FROM given LEFT JOIN stored USING (hosted_website_id)
        CROSS JOIN LATERAL (SELECT count(*)::int AS tail FROM (${tails.join(" UNION ALL ")}) AS fact) AS counted`,
      [
        uuids(queries.map(({ site }) => site.hostedWebsiteId)),
        uuids(queries.map(({ site }) => site.websiteConfigId)),
        PgTypes.text(timeZone),
        PgTypes.int4(readsSums ? RollupState.version : -1),
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
      ${Counts.columns.map((count) => `coalesce(sum(${count}), 0)::bigint AS ${count}`).join(", ")}
    FROM (
      SELECT hosted_website_id, first, last, ${RollupRows.dates}, ${RollupRows.elements(Counts.columns)}
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
  options: { readonly conversions: boolean; readonly until: number | undefined }
) => {
  const parameters = new Parameters()
  const statement = GroupSql.statement(parameters, {
    websites: VisitSql.some(parameters.uuids(states.map(({ id }) => id))),
    timeZone,
    dimensions: [],
    filters: [],
    days,
    stored: [],
    raw: [{ start: days[0]?.start ?? 0, end: days.at(-1)?.end ?? 0 }],
    ...options,
    revenue: false,
    onlyChanges: false,
    goals: states[0].goals
  })
  return execute(sql, `SELECT dimensions[1]::uuid AS id, counted.* FROM (${statement}) AS counted`, parameters)
}

/** Groups websites for one statement each: those with the same goals and the same days with sums. */
const groupsOf = (states: ReadonlyArray<State>): ReadonlyArray<readonly [State, ...ReadonlyArray<State>]> => {
  const groups: Array<[State, ...Array<State>]> = []
  for (const alike of Map.groupBy(states, ({ goals, last }) => JSON.stringify([last, goals])).values()) {
    let rows = Number.POSITIVE_INFINITY
    for (const state of alike) {
      const group = groups.at(-1)
      rows += state.tail
      if (group === undefined || rows > maxComputed.rows || group.length >= maxComputed.websites) {
        groups.push([state])
        rows = state.tail
      } else group.push(state)
    }
  }
  return groups
}

/**
 * Counts the websites that share their time zone, in some successive days. Those that must be counted alone have no counts. With
 * `until`, only visits that began before it count.
 */
const countDays = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  queries: readonly [SiteQuery, ...ReadonlyArray<SiteQuery>],
  days: ReadonlyArray<LocalTime.Day>,
  until?: number
): Effect.fn.Return<ReadonlyMap<string, Counts.Counts>, SqlError.SqlError> {
  const { query } = queries[0]
  const { timeZone } = query
  const states = (yield* statesOf(sql, queries, timeZone, days, until === undefined)).filter(
    ({ tail }) => tail <= maxTail
  )
  const counts = new Map(states.map(({ id }) => [id, Counts.none]))
  const add = (rows: typeof Rows.Type) => {
    for (const row of rows)
      counts.set(row.id, Counts.sum(counts.get(row.id) ?? Counts.none, StoredCounts.toCounts(row)))
  }
  const stored = states.filter(({ first }) => first !== null)
  const [first, last] = [days[0]?.date, days.at(-1)?.date]
  if (stored.length > 0 && first !== undefined && last !== undefined) {
    add(yield* summed(sql, stored, { first, last }))
  }
  const { conversions } = Counting.plan(query).groups
  for (const group of groupsOf(states.filter(({ tail }) => tail > 0))) {
    const [{ last: summedTo }] = group
    const rest = summedTo === null ? days : days.filter(({ date }) => date > summedTo)
    add(yield* computed(sql, group, timeZone, rest, { conversions, until }))
  }
  return counts
})

/** Counts the websites that share their time zone, in a range of days. */
const countRange = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  queries: readonly [SiteQuery, ...ReadonlyArray<SiteQuery>],
  range: DateRange.Resolved
): Effect.fn.Return<(id: string) => Counts.Counts | undefined, SqlError.SqlError> {
  const days = LocalTime.days(queries[0].query.timeZone, range.first, range.last)
  const whole = range.until === undefined ? days : days.slice(0, -1)
  // The last day, if only its visits up to a time count. They are not summed.
  const cut = days.slice(whole.length)
  const counted = [
    ...(whole.length === 0 ? [] : [yield* countDays(sql, queries, whole)]),
    ...(cut.length === 0 ? [] : [yield* countDays(sql, queries, cut, range.until)])
  ]
  return (id) => {
    const counts = counted.flatMap((part) => part.get(id) ?? [])
    return counts.length === counted.length ? counts.reduce(Counts.sum, Counts.none) : undefined
  }
})

const Firsts = Schema.Array(Schema.Struct({ id: Schema.String, first: Schema.NullOr(Schema.Finite) }))

/** When the first page view or event of each website was received, in milliseconds since 1970. */
const firstsOf = (sql: SqlClient.SqlClient, queries: ReadonlyArray<SiteQuery>) =>
  sql
    .unsafe(`SELECT id, ${RollupState.firstReceived("id")} AS first FROM unnest($1::uuid[]) AS given (id)`, [
      uuids(queries.map(({ site }) => site.hostedWebsiteId))
    ])
    .pipe(
      decodeRows(Firsts),
      Effect.map((rows) => new Map(rows.map(({ first, id }) => [id, first])))
    )

/**
 * The answers to queries for which `Counting.isAdditive` holds, by hosted website. They may differ in their time zones and date ranges only.
 * Websites that must be counted alone have none: they have many page views since their closed days.
 */
export const answers = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  queries: ReadonlyArray<SiteQuery>
): Effect.fn.Return<ReadonlyMap<string, Answer>, SqlError.SqlError> {
  const found = new Map<string, Answer>()
  const firsts = yield* firstsOf(
    sql,
    queries.filter(({ query }) => query.range.first === null)
  )
  const alike = Map.groupBy(queries, ({ query: { range, timeZone } }) => JSON.stringify([timeZone, range]))
  for (const [one, ...others] of alike.values()) {
    if (one === undefined) continue
    const all = [one, ...others] as const
    const { comparison, timeZone } = one.query
    const rangeOf = ({ query, site }: SiteQuery): DateRange.Resolved => {
      const first = firsts.get(site.hostedWebsiteId) ?? null
      return DateRange.resolved(query, first === null ? null : LocalTime.zone(timeZone).toLocal(first))
    }
    // A website has no rows before the first day of its own range.
    const [earliest = one.query.range.last] = all.map((each) => rangeOf(each).first).toSorted()
    const range = { first: earliest, last: one.query.range.last }
    const counts = yield* countRange(sql, all, range)
    const comparedRange = comparison === null ? null : DateRange.compared(range, { ...one.query, comparison })
    const comparedCounts = comparedRange === null ? null : yield* countRange(sql, all, comparedRange)
    const counted = (query: Query, of: DateRange.Resolved, own: Counts.Counts) =>
      Counting.counted(query, of, { groups: [{ dimensions: [], counts: own }], divisors: null, total: null })
    for (const each of all) {
      const { query, site } = each
      const own = counts(site.hostedWebsiteId)
      const before = comparedCounts?.(site.hostedWebsiteId)
      if (own === undefined || (comparedCounts !== null && before === undefined)) continue
      const compared = comparedRange === null || before === undefined ? null : counted(query, comparedRange, before)
      found.set(site.hostedWebsiteId, Assembly.answer(query, counted(query, rangeOf(each), own), compared))
    }
  }
  return found
})
