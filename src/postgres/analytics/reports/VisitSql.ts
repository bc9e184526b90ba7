/**
 * SQL that makes visits of page views and events, by the rules of `core/analytics/report/Visits`. Text only.
 *
 * @module
 */
import * as Channel from "../../../core/analytics/report/Channel.ts"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import { maxGap } from "../../../core/analytics/report/Visits.ts"
import type { Parameters } from "./Parameters.ts"

/** A visit ends after so much idle time. */
export const idle = "interval '30 minutes'"

/** The session key of a row. */
export const sessionKey = `coalesce(session_id, encode(visitor_hash, 'hex')) COLLATE "C"`

/**
 * The columns of the rows that make visits. `place` is the path of a view and null for an event, since the order of events
 * does not depend on it.
 */
const columns = {
  page_view: `received_at, ${sessionKey} AS session_key, 0 AS kind, path AS place, utm_source, utm_medium, utm_campaign,
    utm_term, utm_content, referrer_host, referrer_path, device_type, browser, os, country, visitor_hash,
    false AS is_interactive`,
  event: `received_at, ${sessionKey}, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, device_type, browser, os, country,
    visitor_hash, is_interactive`
} as const

/** The rows of a site that a condition on `received_at` and `session_key` selects. */
const rows = (site: string, condition: string, selected: (table: keyof typeof columns) => string): string =>
  (["page_view", "event"] as const)
    .map((table) => `SELECT ${selected(table)} FROM ${table} WHERE hosted_website_id = ${site} AND ${condition}`)
    .join(" UNION ALL ")

const texts = [
  "place",
  "utm_source",
  "utm_medium",
  "utm_campaign",
  "utm_term",
  "utm_content",
  "referrer_host",
  "referrer_path",
  "device_type",
  "browser",
  "os",
  "country"
]

/** What a visit takes from its first view. */
const ofLanding = texts.filter((text) => text !== "place").slice(0, 7)

/** What a visit takes from its first view, or without one from its first event. */
const ofClient = ["device_type", "browser", "os", "country"]

/** `utm_source`, else the referrer's host; null if absent. */
export const source = "coalesce(nullif(utm_source, ''), nullif(referrer_host, ''))"

const facts: Readonly<Record<keyof Channel.Facts, string>> = {
  source,
  medium: "nullif(utm_medium, '')",
  campaign: "nullif(utm_campaign, '')"
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

const holds = (condition: Channel.Condition): string => {
  if ("all" in condition) return `(${condition.all.map(holds).join(" AND ")})`
  if ("any" in condition) return `(${condition.any.map(holds).join(" OR ")})`
  return `coalesce(channel_${condition.fact} ~ ${literal(condition.pattern)}, false)`
}

const channelOf = `CASE ${Channel.rules.map(([channel, rule]) => `WHEN ${holds(rule)} THEN ${literal(channel)}`).join(" ")}
  ELSE 'Direct' END`

/**
 * Common table expressions, the last of which is `raw_visit`: the visits that begin in the intervals. To know which visits
 * begin in an interval, the 30 minutes before it are read, and after it the visits that are still open are followed to their
 * end. Each interval is one or more whole days; no two overlap.
 *
 * Texts are compared with the collation "C" only where rows of one session key have the same time.
 */
export const rawVisits = (parameters: Parameters, site: string, intervals: ReadonlyArray<Interval>): string => {
  const starts = parameters.times(intervals.map(({ start }) => start))
  const ends = parameters.times(intervals.map(({ end }) => end))
  // Bounds of all intervals, by which PostgreSQL leaves out partitions when it plans the statement.
  const since = `received_at >= ${parameters.time(Math.min(...intervals.map(({ start }) => start)) - maxGap)}`
  const until = `received_at < ${parameters.time(Math.max(...intervals.map(({ end }) => end)))}`
  const order = ["received_at", "kind", ...texts.map((text) => `${text} COLLATE "C"`)].join(", ")
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
    ), followed (part, session_key, reached) AS (
      SELECT part, session_key, max(received_at) FROM near WHERE received_at >= ends_at - ${idle}
      GROUP BY part, session_key
      UNION ALL
      SELECT followed.part, followed.session_key, next.reached FROM followed CROSS JOIN LATERAL (
        SELECT max(received_at) AS reached FROM (
          ${rows(
            site,
            `${since} AND received_at > followed.reached AND received_at <= followed.reached + ${idle}
              AND ${sessionKey} = followed.session_key`,
            () => "received_at"
          )}
        ) AS later
      ) AS next WHERE next.reached IS NOT NULL
    ), open AS MATERIALIZED (
      SELECT part, session_key, starts_at, ends_at, max(reached) AS reached
      FROM followed JOIN raw_interval USING (part)
      GROUP BY part, session_key, starts_at, ends_at HAVING max(reached) >= ends_at
    ), far AS (
      SELECT open.part, open.starts_at, open.ends_at, one.* FROM (
        SELECT part, ends_at, max(reached) AS reached FROM open GROUP BY part, ends_at
      ) AS reach CROSS JOIN LATERAL (
        ${rows(site, `${since} AND received_at >= reach.ends_at AND received_at <= reach.reached`, (table) => columns[table])}
      ) AS one JOIN open ON open.part = reach.part AND open.session_key = one.session_key
        AND one.received_at <= open.reached
    ), marked AS (
      SELECT *, coalesce(received_at - lag(received_at) OVER keyed > ${idle}, true) AS is_first,
        visitor_hash IS DISTINCT FROM lag(visitor_hash) OVER keyed AS is_other,
        count(*) FILTER (WHERE kind = 0) OVER (keyed ROWS UNBOUNDED PRECEDING) AS views
      FROM (SELECT * FROM near UNION ALL SELECT * FROM far) AS found
      WINDOW keyed AS (PARTITION BY part, session_key ORDER BY ${order})
    ), numbered AS (
      SELECT *, count(*) FILTER (WHERE is_first) OVER so_far AS number,
        max(received_at) FILTER (WHERE is_first) OVER so_far AS began,
        kind = 0 AND views = 1 + max(CASE WHEN is_first THEN views - CASE kind WHEN 0 THEN 1 ELSE 0 END END) OVER so_far
          AS is_landing
      FROM marked
      WINDOW so_far AS (PARTITION BY part, session_key ORDER BY ${order} ROWS UNBOUNDED PRECEDING)
    ), grouped AS (
      SELECT session_key, min(received_at) AS started_at, max(received_at) AS ended_at,
        decode(min(encode(visitor_hash, 'hex') COLLATE "C") FILTER (WHERE received_at = began), 'hex') AS visitor_hash,
        array_agg(DISTINCT visitor_hash) FILTER (WHERE is_first OR is_other) AS hashes,
        (count(*) FILTER (WHERE kind = 0))::integer AS pageviews, (count(*) FILTER (WHERE kind = 1))::integer AS events,
        bool_or(is_interactive) AS is_interactive,
        max(place) FILTER (WHERE is_landing) AS entry_page,
        (array_agg(place ORDER BY views DESC) FILTER (WHERE kind = 0))[1] AS exit_page,
        ${ofLanding.map((text) => `max(${text}) FILTER (WHERE is_landing) AS ${text}`).join(", ")},
        ${ofClient
          .map(
            (text) => `CASE WHEN count(*) FILTER (WHERE kind = 0) > 0 THEN max(${text}) FILTER (WHERE is_landing)
              ELSE max(${text}) FILTER (WHERE is_first) END AS ${text}`
          )
          .join(", ")}
      FROM numbered GROUP BY part, session_key, number, starts_at HAVING min(received_at) >= starts_at
    ), channel AS MATERIALIZED (
      SELECT channel_source, channel_medium, channel_campaign, ${channelOf} AS channel FROM (
        SELECT DISTINCT ${Object.entries(facts)
          .map(([fact, value]) => `translate(${value}, '${alphabet}', '${alphabet.toLowerCase()}') AS channel_${fact}`)
          .join(", ")} FROM grouped
      ) AS given
    ), raw_visit AS (
      SELECT -row_number() OVER () AS visit_id, started_at, ended_at, session_key, visitor_hash,
        CASE WHEN cardinality(hashes) > 1 THEN hashes END AS other_hashes, pageviews, events,
        pageviews = 1 AND NOT is_interactive AS is_bounce,
        CASE WHEN pageviews = 1 AND NOT is_interactive THEN 0
          ELSE floor(extract(epoch FROM ended_at - started_at)) END::bigint AS duration,
        entry_page, exit_page, ${[...ofLanding, ...ofClient].join(", ")}, channel
      FROM grouped JOIN channel ON ${Object.entries(facts)
        .map(
          ([fact, value]) =>
            `coalesce(channel_${fact}, '') = coalesce(translate(${value}, '${alphabet}', '${alphabet.toLowerCase()}'), '')`
        )
        .join(" AND ")}
    )`
}

/** The columns of `visit` that `raw_visit` has too, apart from the id. */
export const visitColumns = [
  "started_at",
  "ended_at",
  "session_key",
  "visitor_hash",
  "other_hashes",
  "pageviews",
  "events",
  "is_bounce",
  "duration",
  "entry_page",
  "exit_page",
  ...ofLanding,
  ...ofClient,
  "channel"
]
