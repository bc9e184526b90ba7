/**
 * What reports must say, as SQL over the rows that a store has: `src/docs/statistics.md` in statements of PostgreSQL. The rows of
 * either store are copied into the table `row` of the schema `expected`; see `Rows.ts`. Pure: returns SQL.
 *
 * @module
 */
import { origins } from "./Traffic.ts"

/** The tables that are filled with what a store has. */
export const tables = `
CREATE SCHEMA expected;
CREATE TABLE expected.website (site uuid PRIMARY KEY, hosted uuid NOT NULL, zone text NOT NULL);
CREATE TABLE expected.goal (site uuid, name text, kind text, value text);
CREATE TABLE expected.row (
  hosted uuid, at timestamptz, kind text, name text, page text,
  utm_source text, utm_medium text, utm_campaign text, utm_term text, utm_content text,
  referrer_host text, referrer_path text, device text, browser text, os text, country text,
  session text, visitor text, properties jsonb, amount numeric, currency text, interactive boolean
);
CREATE TABLE expected.lead (hosted uuid, at timestamptz, key text, name text);
CREATE TABLE expected.origin (source text, medium text, name text, channel text);
INSERT INTO expected.origin VALUES ${origins
  .map(
    ({ channel, medium, name, source }) =>
      `(${[source, medium, name, channel].map((text) => (text === null ? "NULL" : `'${text}'`)).join(", ")})`
  )
  .join(", ")};
`

/**
 * Which visit a row belongs to: `number` counts the visits of a website's session key. This is the only definition of a visit.
 *
 * A run is the rows of one key (the session id, or the visitor hash of a row without one) on one day of the website, without a
 * pause of over 30 minutes. Within it, a page view begins another visit if it has a campaign and the last campaign of the run is
 * another one, or if the run has none so far.
 */
const membership = `
  SELECT id, count(*) FILTER (WHERE begins) OVER (PARTITION BY hosted, key ORDER BY at, id) AS number
  FROM (
    SELECT id, hosted, key, at,
      begins_run OR campaign IS NOT NULL AND campaign IS DISTINCT FROM earlier[cardinality(earlier)] AS begins
    FROM (
      SELECT *, array_agg(campaign) FILTER (WHERE campaign IS NOT NULL) OVER (
          PARTITION BY hosted, key, run ORDER BY at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS earlier
      FROM (
        SELECT *, count(*) FILTER (WHERE begins_run) OVER (PARTITION BY hosted, key ORDER BY at, id) AS run
        FROM (
          SELECT id, hosted, key, at,
            CASE WHEN num_nonnulls(utm_source, utm_medium, utm_campaign) > 0
              THEN jsonb_build_array(utm_source, utm_medium, utm_campaign) END AS campaign,
            coalesce(
              at - lag(at) OVER earlier_rows > interval '30 minutes'
                OR (at AT TIME ZONE zone)::date > lag((at AT TIME ZONE zone)::date) OVER earlier_rows,
              true
            ) AS begins_run
          FROM keyed JOIN expected.website USING (hosted)
          WINDOW earlier_rows AS (PARTITION BY hosted, key ORDER BY at, id)
        ) AS paused
      ) AS numbered
    ) AS preceded
  ) AS begun`

/** The first value of a column, among the page views of a visit. */
const ofFirstView = (column: string) => `(array_agg(${column} ORDER BY at, id) FILTER (WHERE kind = 'view'))[1]`

/** The first value of a column, among the page views of a visit, or among its events if it has no page view. */
const ofFirstRow = (column: string) => `(array_agg(${column} ORDER BY kind = 'view' DESC, at, id))[1]`

/** Computes the table `fact`: every page view, event and lead, with the columns of its visit. */
export const computeFacts = `
ANALYZE expected.row, expected.lead;
DROP TABLE IF EXISTS expected.fact;
CREATE TABLE expected.fact AS
WITH keyed AS MATERIALIZED (
  SELECT row_number() OVER (ORDER BY at, kind DESC) AS id, coalesce(session, visitor) AS key, * FROM expected.row
), member AS (${membership}
), placed AS (
  SELECT keyed.*, number FROM keyed JOIN member USING (id)
), visit AS (
  SELECT hosted, key, number, min(at) AS started_at, max(at) AS ended_at,
    count(*) FILTER (WHERE kind = 'view') AS views,
    count(*) FILTER (WHERE kind = 'view') = 1 AND coalesce(bool_and(NOT interactive) FILTER (WHERE kind = 'event'), true) AS is_bounce,
    (array_agg(visitor ORDER BY at, id))[1] AS first_visitor,
    ${ofFirstView("page")} AS entry_page,
    (array_agg(page ORDER BY at DESC, id DESC) FILTER (WHERE kind = 'view'))[1] AS exit_page,
    ${["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer_host", "referrer_path"]
      .map((column) => `${ofFirstView(column)} AS ${column}`)
      .join(",\n    ")},
    ${["device", "browser", "os", "country"].map((column) => `${ofFirstRow(column)} AS ${column}`).join(",\n    ")}
  FROM placed GROUP BY hosted, key, number
), named AS (
  SELECT row_number() OVER () AS visit, visit.*, website.site, zone,
    started_at AT TIME ZONE zone AS local, (started_at AT TIME ZONE zone)::date AS day,
    CASE WHEN is_bounce THEN 0 ELSE floor(extract(epoch FROM ended_at - started_at)) END AS duration,
    coalesce(utm_source, referrer_host) AS source,
    referrer_host || CASE WHEN referrer_path = '/' THEN '' ELSE coalesce(referrer_path, '') END AS referrer
  FROM visit JOIN expected.website USING (hosted)
), classified AS (
  SELECT named.*, origin.name AS source_name, origin.channel
  FROM named LEFT JOIN expected.origin
    ON origin.source IS NOT DISTINCT FROM named.source AND origin.medium IS NOT DISTINCT FROM named.utm_medium
)
SELECT classified.*, placed.kind, placed.name, placed.page, placed.visitor, placed.properties, placed.amount, placed.currency,
  ARRAY(
    SELECT goal.name FROM expected.goal
    WHERE goal.site = classified.site AND CASE goal.kind
      WHEN 'event' THEN placed.kind = 'event' AND placed.name = goal.value
      ELSE placed.kind = 'view' AND placed.page LIKE replace(goal.value, '*', '%') END
  ) AS goals
FROM classified JOIN placed USING (hosted, key, number)
UNION ALL
SELECT classified.*, 'lead', NULL, NULL, first_visitor, NULL, NULL, NULL, ARRAY[lead.name]
FROM classified JOIN expected.lead USING (hosted, key)
WHERE lead.at BETWEEN started_at AND ended_at;
CREATE INDEX ON expected.fact (site, day);
ANALYZE expected.fact;
`

/** The SQL of a dimension's value. `page` is the column of the dimension `event:page`. */
type Value = (page: string) => string

const orNotSet =
  (column: string): Value =>
  () =>
    `coalesce(${column}, '(not set)')`

/** The dimensions. `goal` is the column of a goal to which a fact is joined. */
const values: Readonly<Record<string, Value>> = {
  "event:page": (page) => `coalesce(${page}, '(not set)')`,
  "event:name": orNotSet("name"),
  "event:goal": () => "goal",
  "visit:entry_page": orNotSet("entry_page"),
  "visit:exit_page": orNotSet("exit_page"),
  "visit:source": () => "source_name",
  "visit:referrer": () => "coalesce(referrer, 'Direct / None')",
  "visit:channel": () => "channel",
  "visit:utm_source": orNotSet("utm_source"),
  "visit:utm_medium": orNotSet("utm_medium"),
  "visit:utm_campaign": orNotSet("utm_campaign"),
  "visit:utm_term": orNotSet("utm_term"),
  "visit:utm_content": orNotSet("utm_content"),
  "visit:device": orNotSet("device"),
  "visit:browser": orNotSet("browser"),
  "visit:os": orNotSet("os"),
  "visit:country": orNotSet("country"),
  "time:hour": () => "to_char(local, 'YYYY-MM-DD HH24:00:00')",
  "time:day": () => "day::text",
  "time:week": () => "date_trunc('week', local)::date::text",
  "time:month": () => "date_trunc('month', local)::date::text"
}

const property = "event:props:"

const valueOf = (dimension: string): Value =>
  values[dimension] ?? (() => `coalesce(properties ->> '${dimension.slice(property.length)}', '(not set)')`)

/** All dimensions, and two properties of events. */
export const dimensions: ReadonlyArray<string> = [...Object.keys(values), `${property}plan`, `${property}paid`]

/** A filter of the query and the SQL that means the same. */
export interface Filter {
  readonly filter: ReadonlyArray<unknown>
  /** Whether a fact matches. */
  readonly matches: Value
  /** Whether a goal has a group; only for a condition on `event:goal` that is no part of another filter. */
  readonly goals?: string
  /** Whether the divisors of the conversion rates ignore the filter: it mentions goals or properties. */
  readonly isOfConversion?: boolean
  /** Whether it mentions goals. */
  readonly usesGoals?: boolean
}

export interface Query {
  readonly dimensions: ReadonlyArray<string>
  readonly filters: ReadonlyArray<Filter>
}

/** In the order of the values that the statement of `report` returns. */
export const metrics = [
  "visitors",
  "visits",
  "pageviews",
  "views_per_visit",
  "bounce_rate",
  "visit_duration",
  "events",
  "conversions",
  "conversion_rate",
  "group_conversion_rate",
  "total_revenue"
] as const

const all = (conditions: ReadonlyArray<string>) => ["true", ...conditions].join(" AND ")

const list = (expressions: ReadonlyArray<string>) => `ARRAY[${expressions.join(", ")}]::text[]`

const share = (part: string, whole: string, factor: number) =>
  `CASE WHEN coalesce(${whole}, 0) = 0 THEN 0 ELSE floor(${factor}::numeric * coalesce(${part}, 0) / ${whole} + 0.5) END`

/**
 * The rows of a report in their order, as `{dimensions, metrics}`. Parameters: the website's id, the first and the last day. Without
 * dimensions, there is no row if nothing matches.
 */
export const report = ({ dimensions, filters }: Query): string => {
  const byGoal = dimensions.includes("event:goal")
  const usesGoals = byGoal || filters.some((filter) => filter.usesGoals === true)
  const isCounted = usesGoals ? "true" : "kind <> 'lead'"
  const groupGoals = all(filters.flatMap(({ goals }) => goals ?? []))
  const facts = byGoal
    ? `fact CROSS JOIN LATERAL (SELECT unnest(goals) AS goal) AS reached WHERE ${groupGoals} AND`
    : "fact WHERE"
  const keyOf = (page: string) => list(dimensions.map((dimension) => valueOf(dimension)(page)))
  const isOfConversion = (dimension: string) => dimension === "event:goal" || dimension.startsWith(property)
  const kept = dimensions.flatMap((dimension, index) => (isOfConversion(dimension) ? [] : [index]))
  const keptKey = (page: string) => list(kept.map((index) => valueOf(dimensions[index] ?? "")(page)))
  const matching = (page: string) => all(filters.map(({ matches }) => matches(page)))
  const divisor = all(
    filters.flatMap(({ isOfConversion, matches }) => (isOfConversion === true ? [] : [matches("page")]))
  )
  const time = dimensions.findIndex((dimension) => dimension.startsWith("time:")) + 1
  const order = [
    ...(time === 0 ? [] : [`cells[${time}] COLLATE "C"`]),
    "sums.visitors DESC",
    ...dimensions.map((_, index) => `cells[${index + 1}] COLLATE "C"`)
  ]
  return `
WITH fact AS (SELECT * FROM expected.fact WHERE site = $1 AND day BETWEEN $2 AND $3),
grouped AS (SELECT ${keyOf("page")} AS cells, ${isCounted} AS is_counted, * FROM ${facts} ${matching("page")}),
sums AS (
  SELECT cells,
    count(DISTINCT (day, visitor)) FILTER (WHERE is_counted) AS visitors,
    count(DISTINCT visit) FILTER (WHERE is_counted) AS visits,
    count(*) FILTER (WHERE kind = 'view') AS pageviews,
    count(*) FILTER (WHERE kind <> 'lead') AS events,
    count(*) FILTER (WHERE cardinality(goals) > 0) AS conversions,
    count(DISTINCT (day, visitor)) FILTER (WHERE cardinality(goals) > 0) AS converted,
    CASE WHEN count(DISTINCT currency) = 1 THEN jsonb_build_object('value', sum(amount)::float8, 'currency', max(currency)) END AS revenue
  FROM grouped GROUP BY cells
),
viewed AS (
  SELECT cells, sum(views) AS views FROM (SELECT DISTINCT cells, visit, views FROM grouped WHERE is_counted) AS visits GROUP BY cells
),
entered AS (
  SELECT cells, count(*) AS entries, count(*) FILTER (WHERE is_bounce) AS bounces, sum(duration) AS duration
  FROM (
    SELECT DISTINCT ${keyOf("entry_page")} AS cells, visit, is_bounce, duration FROM ${facts} ${matching("entry_page")} AND ${isCounted}
  ) AS visits GROUP BY cells
),
divisors AS (
  SELECT ${keptKey("page")} AS kept, count(DISTINCT (day, visitor)) AS visitors FROM fact WHERE kind <> 'lead' AND ${divisor} GROUP BY 1
),
total AS (SELECT count(DISTINCT (day, visitor)) AS visitors FROM fact WHERE kind <> 'lead' AND ${divisor})
SELECT cells AS dimensions, jsonb_build_array(
  sums.visitors, visits, pageviews,
  ${share("views", "visits", 100)} / 100,
  ${share("bounces", "entries", 100)},
  ${share("duration", "entries", 1)},
  events, conversions,
  ${share("converted", "total.visitors", 10_000)} / 100,
  ${share("converted", "divisors.visitors", 10_000)} / 100,
  revenue
) AS metrics
FROM sums CROSS JOIN total LEFT JOIN viewed USING (cells) LEFT JOIN entered USING (cells)
  LEFT JOIN divisors ON divisors.kept = ${list(kept.map((index) => `cells[${index + 1}]`))}
WHERE sums.visitors > 0 OR conversions > 0
ORDER BY ${order.join(", ")}`
}
