/**
 * SQL that packs groups into the arrays of a row of `rollup`, and reads them. Pure: returns SQL text.
 *
 * A row holds the groups of one dimension for a month, or for some days of one month: each array has an element for each group.
 * The days of a month share a row until it has `capacity` groups. Some columns are null if they equal another column (`equals`),
 * or contain only 0 or null; `days` is null if all groups belong to the row's first day.
 *
 * @module
 */
import * as Counts from "../Counts.ts"
import type { Parameters } from "./Parameters.ts"
import * as RollupState from "./RollupState.ts"

export type Column = (typeof Counts.columns)[number] | "revenue"

/** All columns with a value per group, in order. */
export const columns: ReadonlyArray<Column> = [...Counts.columns, "revenue"]

/** A row with this many groups gets no further days. */
const capacity = 1000

/** The column that a null column equals. */
const equals: Partial<Record<Column, Column>> = {
  events: "pageviews",
  visit_pageviews: "pageviews",
  entries: "visits"
}

/**
 * Expressions that return the names and some columns of a row's groups, one row for each group. A column without values is null.
 * Use them in the list of a `SELECT`: `unnest` in `FROM` takes twenty times as long.
 */
export const elements = (given: ReadonlyArray<Column>): string =>
  [
    "unnest(names) AS name",
    ...given.map((column) => {
      const other = equals[column]
      return `unnest(${other === undefined ? column : `coalesce(${column}, ${other})`}) AS ${column}`
    })
  ].join(", ")

/** The days of a row's groups, to be selected with `elements`. */
export const dates = "unnest(coalesce(days, array_fill(day, ARRAY[cardinality(names)]))) AS date"

/** The first day of a day's month. */
export const monthOf = (day: string): string => `date_trunc('month', ${day}::timestamp)::date`

/** The arrays of groups, as aggregates. */
const packed = columns.map((column) => {
  const values = `array_agg(${column})`
  const other = equals[column]
  if (other !== undefined) return `nullif(${values}, array_agg(${other}))`
  if (column === "revenue") return `CASE WHEN count(${column}) > 0 THEN ${values} END`
  return column === "conversions" || column === "converted" ? `CASE WHEN max(${column}) > 0 THEN ${values} END` : values
})

const ofGroups = ["names", ...columns].join(", ")

/**
 * Inserts the groups of months. `groups` is a table with the columns `hosted_website_id`, `dimension`, `month`, `last_day`, `name`
 * and those of `columns`.
 */
const insertMonths = (groups: string): string => `
  INSERT INTO rollup (hosted_website_id, dimension, is_month, day, last_day, ${ofGroups})
  SELECT hosted_website_id, dimension, true, month, last_day, array_agg(name), ${packed.join(", ")}
  FROM (SELECT * FROM ${groups} ORDER BY hosted_website_id, dimension, month, name COLLATE "C") AS ordered
  GROUP BY hosted_website_id, dimension, month, last_day`

/** The days from the first of each month to a gap. Open days do not match, because their `ends_at` is before the given end. */
const leadingDays = `SELECT * FROM (
    SELECT rollup_day.*, ${monthOf("day")} AS month,
      row_number() OVER (PARTITION BY hosted_website_id, ${monthOf("day")} ORDER BY day) AS place
    FROM rollup_day JOIN unnest($3::date[], $4::timestamptz[]) AS given (date, ends) ON day = date AND ends_at = ends
    WHERE hosted_website_id = ANY ($1) AND ${RollupState.isCounted}
  ) AS numbered WHERE month = ANY ($2) AND place = day - month + 1`

const sums = Counts.columns.map((count) => `coalesce(sum(${count}), 0)::bigint AS ${count}`).join(", ")

/**
 * Sums the rolled up days of the months in `$2` of the websites in `$1`, from the first day of each month to the last one before a gap.
 * `$3` and `$4` are all days that may be rolled up, and their ends.
 *
 * With the sums of days alone, nine queries over twelve months of 20,000,000 page views cost 350 ms of processor time instead of 60,
 * and those of a small website 185 instead of 80 (2026-11-30).
 */
export const sumMonths = `
  WITH leading_day AS MATERIALIZED (${leadingDays}), summed_month AS (
    INSERT INTO rollup_month (hosted_website_id, month, last_day, starts_at, ends_at, goals)
    SELECT hosted_website_id, month, max(day), min(starts_at), max(ends_at), '${RollupState.conversions.counted}' FROM leading_day
    GROUP BY hosted_website_id, month RETURNING hosted_website_id, month, last_day
  ), day_group AS MATERIALIZED (
    SELECT hosted_website_id, dimension, month, last_day, name, ${columns.join(", ")} FROM (
      SELECT rollup.hosted_website_id, dimension, month, summed_month.last_day, ${dates},
        ${elements(columns)}
      FROM rollup JOIN summed_month
        ON month = ${monthOf("day")} AND rollup.hosted_website_id = summed_month.hosted_website_id
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
  ${insertMonths("month_group")}`

/** The groups of the rows in `taken` that satisfy a condition. */
const takenGroups = (condition: string): string => `
  SELECT hosted_website_id, dimension, date, name, ${columns
    .map((column) => (column === "revenue" ? column : `coalesce(${column}, 0) AS ${column}`))
    .join(", ")}
  FROM (SELECT hosted_website_id, dimension, ${dates}, ${elements(columns)} FROM taken) AS each WHERE ${condition}`

/** Adds up groups of the same website, dimension, day and name, each with its sign, and leaves out those without visits. */
const summed = (from: string): string => `
  SELECT hosted_website_id, dimension, date, name, ${Counts.columns.map((count) => `${count}::bigint`).join(", ")}, (
      SELECT jsonb_object_agg(currency, amount)::text FROM (
        SELECT currency, sum(sign * amount::numeric)::text AS amount FROM unnest(signs, earned) AS part (sign, revenue)
          CROSS JOIN LATERAL jsonb_each_text(part.revenue::jsonb) AS each (currency, amount) GROUP BY currency
      ) AS total
    ) AS revenue
  FROM (
    SELECT hosted_website_id, dimension, date, name, ${Counts.columns.map((count) => `sum(sign * ${count}) AS ${count}`).join(", ")},
      array_agg(sign) FILTER (WHERE revenue IS NOT NULL) AS signs,
      array_agg(revenue) FILTER (WHERE revenue IS NOT NULL) AS earned
    FROM ${from} GROUP BY hosted_website_id, dimension, date, name
  ) AS joined WHERE visits > 0`

/**
 * Replaces the groups of some websites' successive days with those of the statement `groups`, which has the columns
 * `hosted_website_id`, `dimension`, `date`, `name` and those of `columns`. If `groups` is null, deletes them only. Unpacks the rows
 * that can hold groups of these days, and the rows of their months with room for more.
 *
 * With `added`, the groups have a `sign`, and are added to the stored ones or subtracted. `added` has common table expressions that
 * they read.
 *
 * There may be as many groups as page views, so the sort must be fast: it compares the number of a group's row (`place`) and the
 * bytes of its name. To compare dimension, month and part takes a third more time, and to compare names by a language even more.
 */
export const replaceDays = (
  parameters: Parameters,
  hostedWebsiteIds: ReadonlyArray<string>,
  days: { readonly first: string; readonly last: string },
  groups: string | null,
  added?: ReadonlyArray<string>
): string => {
  const [first, last] = [parameters.date(days.first), parameters.date(days.last)]
  const hasRoom = `day >= ${monthOf(first)} AND day < ${monthOf(last)} + interval '1 month' AND cardinality(names) < ${capacity}`
  const isReplaced = `date >= ${first} AND date <= ${last}`
  const names = [
    "hosted_website_id",
    "dimension",
    "date",
    "name",
    ...columns,
    ...(added === undefined ? [] : ["sign"])
  ].join(", ")
  const newGroups = `SELECT ${names} FROM (${groups}) AS summed`
  return `
    WITH ${(added ?? []).map((expression) => `${expression}, `).join("")}taken AS (
      DELETE FROM rollup WHERE hosted_website_id = ANY (${parameters.uuids(hostedWebsiteIds)}) AND NOT is_month
        AND (day <= ${last} AND last_day >= ${first}${groups === null ? "" : ` OR ${hasRoom}`}) RETURNING *
    ), merged AS MATERIALIZED (
      ${groups === null ? "" : `${added === undefined ? newGroups : summed(`(${newGroups} UNION ALL SELECT *, 1 FROM (${takenGroups(isReplaced)}) AS old) AS given`)} UNION ALL`}
      ${takenGroups(`NOT (${isReplaced})`)}
    ), day_part AS (
      SELECT hosted_website_id, dimension, date, month,
        (sum(groups) OVER (PARTITION BY hosted_website_id, dimension, month ORDER BY date) - groups)::bigint / ${capacity} AS part
      FROM (
        SELECT hosted_website_id, dimension, date, ${monthOf("date")} AS month, count(*) AS groups FROM merged
        GROUP BY hosted_website_id, dimension, date
      ) AS counted
    ), placed AS MATERIALIZED (
      SELECT hosted_website_id, dimension, date,
        dense_rank() OVER (ORDER BY hosted_website_id, dimension, month, part) AS place
      FROM day_part
    ), packed AS (
      SELECT place, min(date) AS first_day, max(date) AS last_day, CASE WHEN min(date) < max(date) THEN array_agg(date) END AS days,
        array_agg(name) AS names, ${columns.map((column, index) => `${packed[index]} AS ${column}`).join(", ")}
      FROM (SELECT * FROM merged JOIN placed USING (hosted_website_id, dimension, date) ORDER BY place, name COLLATE "C", date) AS ordered
      GROUP BY place
    )
    INSERT INTO rollup (hosted_website_id, dimension, is_month, day, last_day, days, ${ofGroups})
    SELECT hosted_website_id, dimension, false, first_day, last_day, days, ${ofGroups}
    FROM packed JOIN (SELECT DISTINCT place, hosted_website_id, dimension FROM placed) AS named USING (place)`
}
