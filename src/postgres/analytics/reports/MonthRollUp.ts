/**
 * Sums the rolled up days of whole months, in one transaction.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import type { LocalDate } from "../../../core/analytics/report/Query.ts"
import * as Database from "../../Database.ts"
import * as GroupSql from "./GroupSql.ts"
import { exclusively, type Site } from "./RollUp.ts"
import * as RollupSql from "./RollupSql.ts"

/** The first day of the month of a rolled up day. */
const monthOf = "date_trunc('month', day::timestamp)::date"

/** Sums the days of whole months. A month with a day that is not rolled up, or with days of different goals, stays without. */
export const rollMonths = (sql: SqlClient.SqlClient, site: Site, months: ReadonlyArray<LocalDate>) => {
  const sums = GroupSql.counts
  const parameters = [PgTypes.uuid(site.hostedWebsiteId), Database.array(months, PgTypes.OID.date)]
  return exclusively(
    sql,
    site
  )(
    Effect.gen(function* () {
      yield* sql.unsafe("DELETE FROM rollup WHERE hosted_website_id = $1 AND is_month AND day = ANY ($2)", parameters)
      yield* sql.unsafe(
        `WITH one AS MATERIALIZED (
          SELECT dimension, month, ${RollupSql.elements([...sums, "revenue"])} FROM (
            SELECT *, ${monthOf} AS month FROM rollup WHERE hosted_website_id = $1 AND NOT is_month
          ) AS rolled WHERE month = ANY ($2)
        ), earned AS (
          SELECT dimension, month, name, jsonb_object_agg(currency, amount)::text AS revenue FROM (
            SELECT dimension, month, name, currency, sum(amount::numeric)::text AS amount
            FROM one CROSS JOIN LATERAL jsonb_each_text(revenue::jsonb) AS each (currency, amount)
            WHERE revenue IS NOT NULL GROUP BY dimension, month, name, currency
          ) AS total GROUP BY dimension, month, name
        ), summed AS (
          SELECT dimension, month, name, ${sums.map((sum) => `sum(${sum})::bigint AS ${sum}`).join(", ")}
          FROM one GROUP BY dimension, month, name
        )
        INSERT INTO rollup (hosted_website_id, dimension, is_month, day, names, ${sums.join(", ")}, revenue)
        SELECT $1, dimension, true, month, array_agg(name), ${sums.map((sum) => `array_agg(${sum})`).join(", ")},
          array_agg(revenue)
        FROM summed LEFT JOIN earned USING (dimension, month, name) GROUP BY dimension, month`,
        parameters
      )
      yield* sql.unsafe(
        `INSERT INTO rollup_month (hosted_website_id, month, starts_at, ends_at, reaches_to, goals)
          SELECT $1, month, min(starts_at), max(ends_at), max(reaches_to), min(goals)
          FROM (SELECT *, ${monthOf} AS month FROM rollup_day WHERE hosted_website_id = $1) AS rolled
          WHERE month = ANY ($2) GROUP BY month
          HAVING count(*) = (month + interval '1 month')::date - month AND min(goals) = max(goals)
            AND sum(ends_at - starts_at) = max(ends_at) - min(starts_at)
          ON CONFLICT DO NOTHING`,
        parameters
      )
    })
  )
}
