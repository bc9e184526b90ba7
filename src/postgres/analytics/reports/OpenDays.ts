/**
 * Stores and sums the ended visits of open days, so that a report of today computes visits only from the latest rows. Each run
 * adds only the visits that ended since the previous run.
 *
 * In the row of an open day in `rollup_day`, `ends_at` is before the end of the day: the visits from then on are not stored.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import type { Day } from "../../../core/analytics/report/LocalTime.ts"
import * as RollupPlan from "../../../core/analytics/report/RollupPlan.ts"
import { maxGap } from "../../../core/analytics/report/Visits.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import * as DayRollUp from "./DayRollUp.ts"
import { Parameters } from "./Parameters.ts"
import * as RollupState from "./RollupState.ts"
import * as VisitSql from "./VisitSql.ts"

const Time = Schema.Tuple([Schema.Struct({ millis: Schema.NullOr(Schema.Finite) })])

/** If more page views than this follow the stored visits, the next visits are stored. */
const maxTail = 1000

const Sites = Schema.Array(
  Schema.Struct({ websiteConfigId: Schema.String, hostedWebsiteId: Schema.String, timeZone: Schema.String })
)

/** The rolled up websites with many page views after the stored visits of their open day. */
export const sitesBehind = (sql: SqlClient.SqlClient) =>
  sql
    .unsafe(
      `SELECT website_config_id AS "websiteConfigId", hosted_website_id AS "hostedWebsiteId", site.time_zone AS "timeZone"
      FROM site JOIN rollup_site AS held USING (hosted_website_id) CROSS JOIN LATERAL (
        SELECT greatest(max(ends_at), now() - interval '2 days') AS reached FROM rollup_day
        WHERE rollup_day.hosted_website_id = site.hosted_website_id
      ) AS stored
      WHERE deleted_at IS NULL AND held.time_zone = site.time_zone AND version = $1 AND EXISTS (
        SELECT FROM page_view WHERE page_view.hosted_website_id = site.hosted_website_id AND received_at >= reached
          AND received_at < now() - interval '40 minutes' OFFSET ${maxTail}
      ) ORDER BY created_at`,
      [PgTypes.int4(RollupState.version)]
    )
    .pipe(decodeRows(Sites))

/**
 * Stores and sums the visits of a day up to the first visit that is still open at the horizon (milliseconds since 1970; see
 * `RollUpLoop`). Does nothing if the day is rolled up, or has changed since its visits were stored.
 */
export const advance = (sql: SqlClient.SqlClient, site: DayRollUp.Site, day: Day, horizon: number) =>
  DayRollUp.exclusively(
    sql,
    site
  )(
    Effect.gen(function* () {
      const dates = { first: day.date, last: day.date, months: [] }
      const state = yield* RollupState.read(sql, site, site.timeZone, dates)
      const { goals, outdated, stale } = state
      const known = state.days.get(day.date)
      if (known?.end === day.end) return
      const isSummed = known?.isPartlySummed === true && !outdated.has(day.date)
      const start = isSummed ? known.end : day.start
      const end = Math.min(horizon - maxGap, day.end) - 1
      if (end <= start || (known !== undefined && RollupPlan.isStale(known, stale))) return
      const parameters = new Parameters()
      const id = parameters.uuid(site.hostedWebsiteId)
      const visits = VisitSql.rawVisits(parameters, id, [{ start, end }], { channel: true, days: [day] })
      const columns = VisitSql.visitColumns.join(", ")
      const from = (millis: number) =>
        sql`hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}
          AND started_at >= ${PgTypes.timestamptz(millis)} AND started_at < ${PgTypes.timestamptz(day.end)}`
      yield* sql`DELETE FROM visit WHERE ${from(start)}`
      yield* sql.unsafe(
        `WITH RECURSIVE ${visits} INSERT INTO visit (hosted_website_id, ${columns}) SELECT ${id}, ${columns} FROM raw_visit`,
        parameters.values
      )
      const [open] = yield* sql`SELECT floor(extract(epoch FROM min(started_at)) * 1000)::float8 AS millis
        FROM visit WHERE ${from(start)} AND ended_at >= ${PgTypes.timestamptz(horizon - maxGap)}`.pipe(decodeRows(Time))
      const reached = open.millis ?? end
      yield* sql`DELETE FROM visit WHERE ${from(reached)}`
      const deleteDay = sql`DELETE FROM rollup_day WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}
        AND day = ${PgTypes.date(day.date)}`
      if (reached <= start) {
        // Unless `isSummed`, the day has no sums, or its sums were counted with other goals.
        if (!isSummed) yield* deleteDay
        return
      }
      const [last] = yield* sql`SELECT ceil(extract(epoch FROM max(ended_at)) * 1000)::float8 AS millis
        FROM visit WHERE ${from(day.start)}`.pipe(decodeRows(Time))
      const storedPart = { ...day, end: reached }
      yield* DayRollUp.storeSums(sql, { ...site, days: [storedPart], goals, since: isSummed ? start : null })
      yield* deleteDay
      yield* sql`INSERT INTO rollup_day (hosted_website_id, day, starts_at, ends_at, reaches_to, goals,
          is_partly_summed)
        VALUES (${PgTypes.uuid(site.hostedWebsiteId)}, ${PgTypes.date(day.date)}, ${PgTypes.timestamptz(day.start)},
          ${PgTypes.timestamptz(reached)}, ${PgTypes.timestamptz(Math.max(reached, last.millis ?? 0))},
          ${RollupState.fingerprint(goals)}, true)`
    })
  )
