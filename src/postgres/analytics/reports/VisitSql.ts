/**
 * SQL that computes visits from page views and events, by the rules of `core/analytics/report/Visits`. Pure: returns SQL text.
 *
 * @module
 */
import * as Channel from "../../../core/analytics/report/Channel.ts"
import * as Dimensions from "../../../core/analytics/report/Dimensions.ts"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import { maxGap } from "../../../core/analytics/report/Visits.ts"
import type { Parameters } from "./Parameters.ts"

/** A visit ends after this idle time. */
export const idle = "interval '30 minutes'"

/** The session key of a row. */
export const sessionKey = `coalesce(session_id, encode(visitor_hash, 'hex')) COLLATE "C"`

/**
 * A visit copies the columns of `ofLanding` and `ofClient` from its first view. Without a view, it copies those of `ofClient`
 * from its first event.
 */
const ofLanding = Dimensions.landingColumns
const ofClient = Dimensions.clientColumns

/**
 * The columns from which visits are computed. `texts` has the path and the columns that a visit copies, in the order by which
 * rows of the same time are sorted. An event has no path here, because the order of events does not depend on it.
 */
const columns = {
  page_view: `received_at, ${sessionKey} AS session_key, 0 AS kind, visitor_hash, false AS is_interactive,
    ARRAY[path, ${[...ofLanding, ...ofClient].join(", ")}]::text[] AS texts`,
  event: `received_at, ${sessionKey}, 1, visitor_hash, is_interactive,
    ARRAY[NULL, ${[...ofLanding.map(() => "NULL"), ...ofClient].join(", ")}]::text[]`
} as const

/** The page views and events of a website that meet a condition on `received_at`. */
const rows = (site: string, condition: string, selected: (table: keyof typeof columns) => string): string =>
  (["page_view", "event"] as const)
    .map((table) => `SELECT ${selected(table)} FROM ${table} WHERE hosted_website_id = ${site} AND ${condition}`)
    .join(" UNION ALL ")

/** `utm_source`, else the referrer's host; null if absent. */
export const source = "coalesce(nullif(utm_source, ''), nullif(referrer_host, ''))"

const channelFields: Readonly<Record<keyof Channel.ChannelFields, string>> = {
  source,
  medium: "nullif(utm_medium, '')",
  campaign: "nullif(utm_campaign, '')"
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

const holds = (condition: Channel.Condition): string => {
  if ("all" in condition) return `(${condition.all.map(holds).join(" AND ")})`
  if ("any" in condition) return `(${condition.any.map(holds).join(" OR ")})`
  return `coalesce(channel_${condition.field} ~ ${literal(condition.pattern)}, false)`
}

const channelOf = `CASE ${Channel.rules.map(([channel, rule]) => `WHEN ${holds(rule)} THEN ${literal(channel)}`).join(" ")}
  ELSE 'Direct' END`

/** A text whose ASCII letters are in lower case. */
export const lower = (value: string): string => `translate(${value}, '${alphabet}', '${alphabet.toLowerCase()}')`

/** The channel of each combination of `channelFields` in `grouped`: there are far fewer combinations than visits. */
const channels = `channel AS MATERIALIZED (
  SELECT *, ${channelOf} AS channel FROM (
    SELECT *, ${Object.keys(channelFields)
      .map((field) => `${lower(`given_${field}`)} AS channel_${field}`)
      .join(", ")} FROM (
      SELECT DISTINCT ${Object.entries(channelFields)
        .map(([field, value]) => `${value} AS given_${field}`)
        .join(", ")} FROM grouped
    ) AS given
  ) AS lowered
)`

const joinChannel = `JOIN channel ON ${Object.entries(channelFields)
  .map(([field, value]) => `coalesce(given_${field}, '') = coalesce(${value}, '')`)
  .join(" AND ")}`

/**
 * Common table expressions, the last of which is `raw_visit`: the visits that begin in the intervals, which must not overlap. The
 * 30 minutes before an interval are read too, to know which visits begin in it. The time after an interval is read in steps of 30
 * minutes. Each step reads the session keys that have a row in the previous step, because a visit that continues has a row in
 * every step.
 *
 * Without `channel`, the visits have no channel. `isQuietAtEnd` means that no row of the website was received in the last 30
 * minutes of the intervals or later, so that no visit continues after the end.
 *
 * The aggregates of a visit have neither an order nor `DISTINCT`, because each of these would sort the rows once more.
 * Texts are compared only if rows of one session key have the same time. Absent texts sort last, as in arrays.
 */
export const rawVisits = (
  parameters: Parameters,
  site: string,
  intervals: ReadonlyArray<Interval>,
  options: { readonly channel: boolean; readonly isQuietAtEnd?: boolean }
): string => {
  const starts = parameters.times(intervals.map(({ start }) => start))
  const ends = parameters.times(intervals.map(({ end }) => end))
  // Bounds of all intervals, with which PostgreSQL skips partitions when it plans the statement.
  const since = `received_at >= ${parameters.time(Math.min(...intervals.map(({ start }) => start)) - maxGap)}`
  const until = `received_at < ${parameters.time(Math.max(...intervals.map(({ end }) => end)))}`
  const keyed = `PARTITION BY session_key, part ORDER BY received_at, kind, texts COLLATE "C" ROWS UNBOUNDED PRECEDING`
  return `
    raw_interval AS (
      SELECT place AS part, starts_at, ends_at
      FROM unnest(${starts}, ${ends}) WITH ORDINALITY AS given (starts_at, ends_at, place)
    ), near AS MATERIALIZED (
      SELECT part, starts_at, ends_at, one.* FROM raw_interval CROSS JOIN LATERAL (
        ${rows(
          site,
          `${since} AND ${until} AND received_at >= starts_at - ${idle} AND received_at < ends_at`,
          (table) => columns[table]
        )}
      ) AS one
    )${
      options.isQuietAtEnd === true
        ? ""
        : `, followed (part, starts_at, ends_at, reached, keys) AS (
      SELECT part, starts_at, ends_at, ends_at, array_agg(DISTINCT session_key) FROM near
      WHERE received_at >= ends_at - ${idle} GROUP BY part, starts_at, ends_at
      UNION ALL
      SELECT part, starts_at, ends_at, reached + ${idle}, later.keys FROM followed CROSS JOIN LATERAL (
        SELECT array_agg(DISTINCT session_key) AS keys FROM (
          ${rows(
            site,
            `${since} AND received_at >= reached AND received_at < reached + ${idle}`,
            () => `${sessionKey} AS session_key`
          )}
        ) AS later JOIN unnest(keys) AS key ON key = session_key
      ) AS later WHERE later.keys IS NOT NULL
    ), far AS (
      SELECT part, starts_at, ends_at, one.* FROM followed CROSS JOIN LATERAL (
        ${rows(site, `${since} AND received_at >= reached - ${idle} AND received_at < reached`, (table) => columns[table])}
      ) AS one WHERE reached > ends_at AND session_key = ANY (keys)
    )`
    }, marked AS (
      SELECT *, coalesce(received_at - lag(received_at) OVER keyed > ${idle}, true) AS is_first,
        visitor_hash IS DISTINCT FROM lag(visitor_hash) OVER keyed AS is_other, sum(1 - kind) OVER keyed AS views,
        kind = 0 AND coalesce(lead(kind) OVER keyed = 1 OR lead(received_at) OVER keyed - received_at > ${idle}, true)
          AS may_exit
      FROM (SELECT * FROM near${options.isQuietAtEnd === true ? "" : " UNION ALL SELECT * FROM far"}) AS found WINDOW keyed AS (${keyed})
    ), numbered AS (
      SELECT *, max(received_at) FILTER (WHERE is_first) OVER keyed AS began,
        kind = 0 AND views = 1 + max(views - 1 + kind) FILTER (WHERE is_first) OVER keyed AS is_landing
      FROM marked WINDOW keyed AS (${keyed})
    ), run AS (
      SELECT session_key, began AS started_at, max(received_at) AS ended_at,
        decode(min(encode(visitor_hash, 'hex') COLLATE "C") FILTER (WHERE received_at = began), 'hex') AS visitor_hash,
        array_agg(visitor_hash) FILTER (WHERE is_first OR is_other) AS hashes,
        count(*) FILTER (WHERE kind = 0)::integer AS pageviews, count(*) FILTER (WHERE kind = 1)::integer AS events,
        bool_or(is_interactive) AS is_interactive,
        coalesce(max(texts) FILTER (WHERE is_landing), max(texts) FILTER (WHERE is_first)) AS texts,
        substr(max(lpad(views::text, 10, '0') || texts[1] COLLATE "C") FILTER (WHERE may_exit), 11) AS exit_page
      FROM numbered WHERE began >= starts_at AND began < ends_at GROUP BY session_key, part, began
    ), grouped AS (
      SELECT *, ${["entry_page", ...ofLanding, ...ofClient].map((column, index) => `texts[${index + 1}] AS ${column}`).join(", ")}
      FROM run
    )${options.channel ? `, ${channels}` : ""}, raw_visit AS (
      SELECT -row_number() OVER () AS visit_id, started_at, ended_at, session_key, visitor_hash,
        CASE WHEN cardinality(hashes) > 1 THEN ARRAY(SELECT DISTINCT unnest(hashes)) END AS other_hashes, pageviews, events,
        pageviews = 1 AND NOT is_interactive AS is_bounce,
        CASE WHEN pageviews = 1 AND NOT is_interactive THEN 0
          ELSE floor(extract(epoch FROM ended_at - started_at)) END::bigint AS duration,
        entry_page, exit_page, ${[...ofLanding, ...ofClient].join(", ")}, ${options.channel ? "channel" : "NULL::text AS channel"}
      FROM grouped ${options.channel ? joinChannel : ""}
    )`
}

/** The columns of `raw_visit` that reports need besides the dimensions. */
export const countedColumns = [
  "visit_id",
  "started_at",
  "ended_at",
  "session_key",
  "visitor_hash",
  "other_hashes",
  "pageviews",
  "events",
  "is_bounce",
  "duration",
  "entry_page"
]

/** The columns of `visit` that `raw_visit` has too, apart from the id. */
export const visitColumns = [
  ...countedColumns.filter((column) => column !== "visit_id"),
  "exit_page",
  ...ofLanding,
  ...ofClient,
  "channel"
]
