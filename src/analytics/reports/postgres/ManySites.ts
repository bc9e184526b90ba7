/**
 * Counts a query of many websites in a few statements: the sums of closed days are added in the database, and what has no sums is
 * computed there from page views and events, for some hundred websites at a time.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Database from "../../../platform/postgres/Database.ts"
import * as Times from "../../../platform/postgres/Times.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { dayMillis } from "../../../platform/text/Calendar.ts"
import * as Counting from "../Counting.ts"
import * as Counts from "../Counts.ts"
import type * as DateRange from "../DateRange.ts"
import * as LocalTime from "../LocalTime.ts"
import type { Batch, Groups } from "../ManySites.ts"
import * as Packs from "../Packs.ts"
import type { ReportSite, SiteQuery } from "../Reports.ts"
import * as StoredCounts from "./Counting.ts"
import * as CountRows from "./CountRows.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import * as RollupRows from "./RollupRows.ts"
import * as RollupState from "./RollupState.ts"
import * as VisitSql from "./VisitSql.ts"

/** A website with more page views or events since its closed days is counted alone, from its stored visits. */
const maxTail = 5000

/** The websites, and their page views and events since their closed days, of one statement. */
const maxComputed = { items: 500, weight: 100_000 }

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

const uuids = (ids: ReadonlyArray<string>) => Database.uuids(ids)

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
        WHERE rolled.hosted_website_id = ANY ($1) AND rolled.starts_at = named.starts_at AND rolled.ends_at = named.ends_at AND NOT is_partly_summed AND ${RollupState.isCounted}
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
        Database.dates(days.map(({ date }) => date)),
        Database.timestamps(days.map(({ start }) => start)),
        Database.timestamps(days.map(({ end }) => end)),
        PgTypes.timestamptz(days[0]?.start ?? 0),
        PgTypes.timestamptz(days.at(-1)?.end ?? 0)
      ]
    )
    .pipe(decodeRows(States))
}

const Rows = Schema.Array(
  Schema.Struct({ ...CountRows.columns, id: Schema.String, dimensions: Schema.Array(Schema.String) })
)

const execute = (sql: SqlClient.SqlClient, statement: string, parameters: Parameters) =>
  sql.unsafe(statement, parameters.values).pipe(decodeRows(Rows))

/** Adds up the sums of each website's days, by the dimension of the rollup. */
const summed = (
  sql: SqlClient.SqlClient,
  states: ReadonlyArray<State>,
  range: DateRange.Resolved,
  rollup: StoredCounts.Rollup
) => {
  const parameters = new Parameters()
  const [first, last] = [parameters.date(range.first), parameters.date(range.last)]
  const ids = parameters.uuids(states.map(({ id }) => id))
  const [firsts, lasts] = [states.map((state) => state.first ?? ""), states.map((state) => state.last ?? "")].map(
    (dates) => parameters.dates(dates)
  )
  return execute(
    sql,
    `SELECT hosted_website_id AS id, ${rollup === "all" ? "'{}'::text[]" : "ARRAY[name]"} AS dimensions, NULL::text AS revenue,
      ${Counts.columns.map((count) => `coalesce(sum(${count}), 0)::bigint AS ${count}`).join(", ")}
    FROM (
      SELECT hosted_website_id, first, last, ${RollupRows.dates}, ${RollupRows.elements(Counts.columns)}
      FROM unnest(${ids}, ${firsts}, ${lasts}) AS given (hosted_website_id, first, last)
        JOIN rollup USING (hosted_website_id)
      WHERE rollup.hosted_website_id = ANY (${ids}) AND dimension = ${parameters.text(rollup)} AND NOT is_month AND day >= ${RollupRows.monthOf(first)} AND day <= ${last} AND last_day >= ${first}
    ) AS each WHERE date >= first AND date <= last GROUP BY hosted_website_id${rollup === "all" ? "" : ", name"}
    LIMIT ${Counting.maxGroups + 1}`,
    parameters
  )
}

/** Computes the counts of websites with the same goals in some successive days. */
const computed = (
  sql: SqlClient.SqlClient,
  states: readonly [State, ...ReadonlyArray<State>],
  timeZone: string,
  days: ReadonlyArray<LocalTime.Day>,
  { conversions, dimensions, filters, revenue }: Counting.Shape,
  until: number | undefined
) => {
  const parameters = new Parameters()
  const statement = GroupSql.statement(parameters, {
    websites: VisitSql.some(parameters.uuids(states.map(({ id }) => id))),
    timeZone,
    dimensions,
    filters,
    days,
    stored: [],
    raw: [{ start: days[0]?.start ?? 0, end: days.at(-1)?.end ?? 0 }],
    until,
    conversions,
    revenue,
    goals: states[0].goals
  })
  return execute(
    sql,
    `SELECT counted.dimensions[cardinality(counted.dimensions)]::uuid AS id, trim_array(counted.dimensions, 1) AS dimensions,
      ${[...Counts.columns, "revenue"].join(", ")}
    FROM (${statement} LIMIT ${Counting.maxGroups + 1}) AS counted`,
    parameters
  )
}

/** Groups websites for one statement each: those with the same goals and the same days with sums. */
const groupsOf = (states: ReadonlyArray<State>): ReadonlyArray<readonly [State, ...ReadonlyArray<State>]> =>
  [...Map.groupBy(states, ({ goals, last }) => JSON.stringify([last, goals])).values()].flatMap((alike) =>
    Packs.of(alike, ({ tail }) => tail, maxComputed)
  )

/** The rollup whose days answer a shape when they are added up; null without one. */
const rollupOf = (shape: Counting.Shape): StoredCounts.Rollup | null => {
  const reading = shape.revenue ? null : StoredCounts.readingOf(shape)
  return reading?.time === null ? reading.summed : null
}

/**
 * The groups of websites that share their time zone, in some successive days; null if they are too many. Those that must be counted
 * alone have none. With `until`, only visits that began before it count.
 */
const countDays = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  batch: Batch,
  shape: Counting.Shape,
  days: ReadonlyArray<LocalTime.Day>,
  until?: number
): Effect.fn.Return<ReadonlyMap<string, ReadonlyArray<Counts.Group>> | null, SqlError.SqlError> {
  const { timeZone } = batch[0].query
  const rollup = until === undefined ? rollupOf(shape) : null
  const states = (yield* statesOf(sql, batch, timeZone, days, rollup !== null)).filter(({ tail }) => tail <= maxTail)
  const found = new Map(states.map(({ id }): [string, Array<Counts.Group>] => [id, []]))
  let count = 0
  const add = (rows: typeof Rows.Type): boolean => {
    for (const row of rows) {
      const dimensions = StoredCounts.nameSources(shape.dimensions, row.dimensions)
      found.get(row.id)?.push({ dimensions, counts: CountRows.toCounts(row) })
    }
    count += rows.length
    return count <= Counting.maxGroups
  }
  const stored = states.filter(({ first }) => first !== null)
  const [first, last] = [days[0]?.date, days.at(-1)?.date]
  if (rollup !== null && stored.length > 0 && first !== undefined && last !== undefined) {
    if (!add(yield* summed(sql, stored, { first, last }, rollup))) return null
  }
  for (const group of groupsOf(states.filter(({ tail }) => tail > 0))) {
    const [{ last: summedTo }] = group
    const rest = summedTo === null ? days : days.filter(({ date }) => date > summedTo)
    if (!add(yield* computed(sql, group, timeZone, rest, shape, until))) return null
  }
  return found
})

/** See `ManySites.Store.count`. A website with many page views since its closed days is counted alone. */
export const count = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  batch: Batch,
  range: DateRange.Resolved
): Effect.fn.Return<ReadonlyMap<string, Groups> | null, SqlError.SqlError> {
  const [{ query }] = batch
  const days = LocalTime.days(query.timeZone, range.first, range.last)
  const whole = range.until === undefined ? days : days.slice(0, -1)
  // The last day, if only its visits up to a time count. They are not summed.
  const cut = days.slice(whole.length)
  const groupsOf = Effect.fnUntraced(function* (shape: Counting.Shape) {
    const parts = [
      ...(whole.length === 0 ? [] : [yield* countDays(sql, batch, shape, whole)]),
      ...(cut.length === 0 ? [] : [yield* countDays(sql, batch, shape, cut, range.until)])
    ]
    const found = new Map<string, ReadonlyArray<Counts.Group>>()
    for (const { site } of batch) {
      const own = parts.map((part) => part?.get(site.hostedWebsiteId))
      if (!own.includes(undefined))
        found.set(site.hostedWebsiteId, Counts.joinGroups(own.flatMap((some) => some ?? [])))
    }
    return parts.includes(null) ? null : found
  })
  const planned = Counting.plan(query)
  const groups = yield* groupsOf(planned.groups)
  const divisors = planned.divisors === null ? undefined : yield* groupsOf(planned.divisors)
  const total = planned.total === null ? undefined : yield* groupsOf(planned.total)
  if (groups === null || divisors === null || total === null) return null
  return new Map(
    batch.flatMap(({ site: { hostedWebsiteId: id } }) => {
      const own = { groups: groups.get(id), divisors: divisors?.get(id), total: total?.get(id) }
      const isAlone =
        own.groups === undefined ||
        (divisors !== undefined && own.divisors === undefined) ||
        (total !== undefined && own.total === undefined)
      return isAlone
        ? []
        : [[id, { groups: own.groups ?? [], divisors: own.divisors ?? null, total: own.total ?? null }] as const]
    })
  )
})

const Lasts = Schema.Array(Schema.Struct({ id: Schema.String, last: Schema.Finite }))

/** The periods that are read in turn for the websites without a row so far: the rows of the last days are in few partitions. */
const periodsAt = (now: number) =>
  [
    [new Date(now - 3 * dayMillis), new Date(now + dayMillis)],
    ["-infinity", "infinity"]
  ] as const

/** See `Reports.lastReceived`. */
export const lastReceived = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  sites: ReadonlyArray<ReportSite>,
  now: number
) {
  const found = new Map<string, number>()
  for (const [from, to] of periodsAt(now)) {
    const rest = sites.flatMap(({ hostedWebsiteId }) => (found.has(hostedWebsiteId) ? [] : [hostedWebsiteId]))
    if (rest.length === 0) break
    const lasts = ["page_view", "event"].map(
      (table) => `(SELECT max(received_at) FROM ${table}
        WHERE hosted_website_id = id AND received_at >= $2 AND received_at < $3)`
    )
    const rows = yield* sql
      .unsafe(
        `SELECT id, ${Times.millisAs("last", "last")} FROM (
          SELECT id, greatest(${lasts.join(", ")}) AS last FROM unnest($1::uuid[]) AS given (id)
        ) AS received WHERE last IS NOT NULL`,
        [uuids(rest), from, to]
      )
      .pipe(decodeRows(Lasts))
    for (const { id, last } of rows) found.set(id, last)
  }
  return found
})

const Firsts = Schema.Array(Schema.Struct({ id: Schema.String, first: Schema.NullOr(Schema.Finite) }))

/** See `ManySites.Store.firstReceived`. */
export const firstReceived = (sql: SqlClient.SqlClient, sites: ReadonlyArray<ReportSite>) =>
  sql
    .unsafe(`SELECT id, ${RollupState.firstReceived("id")} AS first FROM unnest($1::uuid[]) AS given (id)`, [
      uuids(sites.map(({ hostedWebsiteId }) => hostedWebsiteId))
    ])
    .pipe(
      decodeRows(Firsts),
      Effect.map((rows) => new Map(rows.map(({ first, id }) => [id, first])))
    )
