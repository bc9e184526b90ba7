/**
 * Sums the rolled up days of some websites' months in one transaction: in each month, from its first day to the last one before a gap.
 *
 * With the sums of days alone, nine queries over twelve months of 20,000,000 page views cost 350 ms of processor time instead of 60,
 * and those of a small website 185 instead of 80 (2026-11-30).
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import * as Database from "../../../platform/postgres/Database.ts"
import * as Counts from "../Counts.ts"
import type { Day } from "../LocalTime.ts"
import type { LocalDate } from "../Query.ts"
import { exclusively, idsOf, type Sites } from "./DayRollUp.ts"
import * as RollupRows from "./RollupRows.ts"
import * as RollupState from "./RollupState.ts"

/** The days from the first of each month to a gap. Open days do not match, because their `ends_at` is before the given end. */
const leadingDays = `SELECT * FROM (
    SELECT rollup_day.*, ${RollupRows.monthOf("day")} AS month,
      row_number() OVER (PARTITION BY hosted_website_id, ${RollupRows.monthOf("day")} ORDER BY day) AS place
    FROM rollup_day JOIN unnest($3::date[], $4::timestamptz[]) AS given (date, ends) ON day = date AND ends_at = ends
    WHERE hosted_website_id = ANY ($1) AND ${RollupState.isCounted}
  ) AS numbered WHERE month = ANY ($2) AND place = day - month + 1`

const sums = Counts.columns.map((count) => `coalesce(sum(${count}), 0)::bigint AS ${count}`).join(", ")

const statement = `
  WITH leading_day AS MATERIALIZED (${leadingDays}), summed_month AS (
    INSERT INTO rollup_month (hosted_website_id, month, last_day, starts_at, ends_at, goals)
    SELECT hosted_website_id, month, max(day), min(starts_at), max(ends_at), '${RollupState.conversions.counted}' FROM leading_day
    GROUP BY hosted_website_id, month RETURNING hosted_website_id, month, last_day
  ), day_group AS MATERIALIZED (
    SELECT hosted_website_id, dimension, month, last_day, name, ${RollupRows.columns.join(", ")} FROM (
      SELECT rollup.hosted_website_id, dimension, month, summed_month.last_day, ${RollupRows.dates},
        ${RollupRows.elements(RollupRows.columns)}
      FROM rollup JOIN summed_month
        ON month = ${RollupRows.monthOf("day")} AND rollup.hosted_website_id = summed_month.hosted_website_id
      WHERE rollup.hosted_website_id = ANY ($1) AND NOT is_month
    ) AS each WHERE date <= last_day
  ), earned AS (
    SELECT hosted_website_id, dimension, month, name, jsonb_object_agg(currency, amount)::text AS revenue FROM (
      SELECT hosted_website_id, dimension, month, name, currency, sum(amount::numeric)::text AS amount
      FROM day_group CROSS JOIN LATERAL jsonb_each_text(revenue::jsonb) AS each (currency, amount)
      WHERE revenue IS NOT NULL GROUP BY hosted_website_id, dimension, month, name, currency
    ) AS total GROUP BY hosted_website_id, dimension, month, name
  ), summed AS (
    SELECT hosted_website_id, dimension, month, last_day, name, ${sums} FROM day_group
    GROUP BY hosted_website_id, dimension, month, last_day, name
  ), month_group AS (
    SELECT * FROM summed LEFT JOIN earned USING (hosted_website_id, dimension, month, name)
  )
  ${RollupRows.insertMonths("month_group")}`

/**
 * Replaces the sums of months. `days` are all days of these months that may be rolled up. A month has no sum if its first day is
 * not summed.
 */
export const rollMonths = (
  sql: SqlClient.SqlClient,
  sites: Sites,
  months: ReadonlyArray<LocalDate>,
  days: ReadonlyArray<Day>
) => {
  const parameters = [idsOf(sites), Database.array(months, PgTypes.OID.date)]
  return exclusively(
    sql,
    sites
  )(
    Effect.gen(function* () {
      yield* sql.unsafe("DELETE FROM rollup_month WHERE hosted_website_id = ANY ($1) AND month = ANY ($2)", parameters)
      yield* sql.unsafe(
        "DELETE FROM rollup WHERE hosted_website_id = ANY ($1) AND is_month AND day = ANY ($2)",
        parameters
      )
      yield* sql.unsafe(statement, [
        ...parameters,
        Database.array(
          days.map(({ date }) => date),
          PgTypes.OID.date
        ),
        Database.array(
          days.map(({ end }) => end),
          PgTypes.OID.timestamptz
        )
      ])
    })
  )
}
