/**
 * What the page views and events that follow the stored visits of a day add to its sums.
 *
 * After a burst these are many, and each report of a dashboard would group them into visits again. So they are computed for all
 * dimensions of a kind at once, as in a rollup run, and kept for the reports that follow: until other rows are added, or, if they
 * are many, for some seconds, so that all reports of a dashboard have the same while page views come.
 *
 * @module
 */
import { Cache, Duration, Effect, Exit, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import * as Counts from "../Counts.ts"
import type * as LocalTime from "../LocalTime.ts"
import * as CountRows from "./CountRows.ts"
import * as DaySumSql from "./DaySumSql.ts"
import { Parameters } from "./Parameters.ts"
import type { Interval } from "./RollupPlan.ts"
import * as VisitSql from "./VisitSql.ts"

/** The part of a website's day whose visits are not stored. */
export interface Tail extends Interval {
  readonly hostedWebsiteId: string
  readonly timeZone: string
  readonly day: LocalTime.Day
}

/** With more rows, what they add is kept for `kept.many`, whether others were added or not. */
const maxExact = 1000

/** How long an addition is kept. */
const kept = { few: Duration.minutes(1), many: Duration.seconds(3) }

/** The maximum number of additions that are kept, and of the groups of each. They bound the memory. */
const limits = { additions: 20, groups: 10_000 }

/** A group whose counts are added to those that are stored. */
export interface Addition {
  readonly dimension: string
  readonly name: string
  readonly counts: Counts.Counts
}

/** With the sign -1, the counts are subtracted. */
const Additions = Schema.Array(
  Schema.Struct({ ...CountRows.columns, dimension: Schema.String, name: Schema.String, sign: Schema.Literals([1, -1]) })
)

const toAddition = ({ dimension, name, sign, ...row }: (typeof Additions.Type)[number]): Addition => {
  const counts = CountRows.toCounts(row)
  return { dimension, name, counts: sign === 1 ? counts : Counts.negated(counts) }
}

const Rows = Schema.Tuple([Schema.Struct({ rows: Schema.Int, latest: Schema.String })])

interface Key extends Tail {
  readonly kind: DaySumSql.Kind
  /** Identifies the rows; null if they are many. */
  readonly rows: string | null
}

/**
 * The number of rows of a tail, at most `maxExact` + 1, and the last transaction that stored any: rows are only added, and if a
 * deleted row is replaced by another one, the transaction tells.
 */
const countRows = (sql: SqlClient.SqlClient, { end, hostedWebsiteId, start }: Tail) => {
  const parameters = new Parameters()
  const site = VisitSql.one(parameters.uuid(hostedWebsiteId))
  const rows = ["page_view", "event"].map(
    (table) =>
      `(${VisitSql.inIntervals(parameters, site, [{ start, end }], {
        table,
        columns: "xmin::text::bigint AS transaction",
        time: "received_at"
      })} LIMIT ${maxExact + 1})`
  )
  return sql
    .unsafe(
      `SELECT count(*)::int AS rows, coalesce(max(transaction), 0)::text AS latest FROM (${rows.join(" UNION ALL ")}) AS row`,
      parameters.values
    )
    .pipe(
      decodeRows(Rows),
      Effect.map(([found]) => found)
    )
}

const compute = (
  sql: SqlClient.SqlClient,
  { day, end, hostedWebsiteId, kind, start, timeZone }: Key,
  maxGroups: number
) => {
  const parameters = new Parameters()
  const statement = DaySumSql.additionStatement(parameters, hostedWebsiteId, timeZone, day, { start, end }, kind)
  return sql.unsafe(`SELECT * FROM (${statement}) AS addition LIMIT ${maxGroups + 1}`, parameters.values).pipe(
    decodeRows(Additions),
    Effect.map((rows) => (rows.length > maxGroups ? null : rows.map(toAddition)))
  )
}

/** What the rows of a tail add to the sums of a kind, in the caller's transaction; null if it is too much to be kept. */
export type Tails = (
  tail: Tail,
  kind: DaySumSql.Kind
) => Effect.Effect<ReadonlyArray<Addition> | null, SqlError.SqlError>

export const make = (sql: SqlClient.SqlClient, maxGroups = limits.groups): Effect.Effect<Tails> =>
  Effect.map(
    Cache.makeWith((key: Key) => compute(sql, key, maxGroups), {
      capacity: limits.additions,
      timeToLive: (exit, { rows }) => (Exit.isFailure(exit) ? Duration.zero : rows === null ? kept.many : kept.few)
    }),
    (cache): Tails =>
      Effect.fnUntraced(function* (tail, kind) {
        const { latest, rows } = yield* countRows(sql, tail)
        if (rows === 0) return []
        return yield* Cache.get(cache, { ...tail, kind, rows: rows > maxExact ? null : `${rows} ${latest}` })
      })
  )
