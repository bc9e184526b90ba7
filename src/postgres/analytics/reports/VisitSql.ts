/**
 * SQL that computes visits from page views and events, by the rules of `core/analytics/report/Visits`. Pure: returns SQL text.
 *
 * @module
 */
import * as Channel from "../../../core/analytics/report/Channel.ts"
import * as Dimensions from "../../../core/analytics/report/Dimensions.ts"
import type { Day } from "../../../core/analytics/report/LocalTime.ts"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import { maxGap } from "../../../core/analytics/report/Visits.ts"
import type { Parameters } from "./Parameters.ts"

/** A run ends after this idle time. */
export const idle = "interval '30 minutes'"

/** The session key of a row. */
export const sessionKey = `coalesce(session_id, encode(visitor_hash, 'hex')) COLLATE "C"`

/**
 * A visit copies the columns of `ofLanding` and `ofClient` from its first view. Without a view, it copies those of `ofClient`
 * from its first event.
 */
const ofLanding = [...Dimensions.landingColumns, "path"]
const ofClient = Dimensions.clientColumns

const pathPlace = ofLanding.indexOf("path") + 1

/** The columns of a visit with the texts of its first row. */
const copied = [...ofLanding.filter((column) => column !== "path"), ...ofClient]

/** The parts of a campaign by which visits are told apart, as one text; null without any of them. */
const campaign = `CASE WHEN utm_source <> '' OR utm_medium <> '' OR utm_campaign <> ''
    THEN ARRAY[coalesce(utm_source, ''), coalesce(utm_medium, ''), coalesce(utm_campaign, '')]::text END`

/**
 * The columns from which visits are computed. `texts` has the columns that a visit copies, in the order by which rows of the
 * same time are sorted. An event has no path here, because the order of events does not depend on it.
 */
const columns = {
  page_view: `received_at, ${sessionKey} AS session_key, 0 AS kind, visitor_hash, false AS is_interactive,
    ${campaign} AS campaign, ARRAY[${[...ofLanding, ...ofClient].join(", ")}]::text[] AS texts`,
  event: `received_at, ${sessionKey}, 1, visitor_hash, is_interactive,
    NULL, ARRAY[${[...ofLanding.map(() => "NULL"), ...ofClient].join(", ")}]::text[]`
} as const

const rowColumns = "received_at, session_key, kind, visitor_hash, is_interactive, campaign, texts"

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

/** A part of a day, or several days, whose rows are read: all that decide which visits begin in the interval. */
interface Span extends Interval {
  readonly dayStart: number
  readonly from: number
  readonly until: number
}

const spanOf =
  (days: ReadonlyArray<Day>) =>
  ({ end, start }: Interval): Span => {
    const dayStart = days.find((day) => start >= day.start && start < day.end)?.start ?? start
    const until = days.find((day) => end > day.start && end <= day.end)?.end ?? end
    return { start, end, dayStart, from: Math.max(dayStart, start - maxGap), until }
  }

/**
 * Common table expressions, the last of which is `raw_visit`: the visits that begin in the intervals, which must not overlap.
 * `days` are the website's days that the intervals touch. No visit continues beyond its day.
 *
 * If an interval begins within a day, the 30 minutes before it are read too, to know which visits begin in it. A visitor with a
 * campaign in the interval may have had the same campaign earlier in the run: the time before is read in steps of 30 minutes.
 * Each step reads the session keys that have a row in the previous step, because a run has a row in every step.
 *
 * Without `channel`, the visits have no channel.
 *
 * The aggregates of a visit have neither an order nor `DISTINCT`, because each of these would sort the rows once more.
 * Texts are compared only if rows of one session key have the same time. Absent texts sort last, as in arrays.
 */
export const rawVisits = (
  parameters: Parameters,
  site: string,
  intervals: ReadonlyArray<Interval>,
  options: { readonly channel: boolean; readonly days: ReadonlyArray<Day> }
): string => {
  const spans = intervals.map(spanOf(options.days))
  const beginsWithinDay = spans.some(({ dayStart, from }) => from > dayStart)
  const times = (of: (span: Span) => number) => parameters.times(spans.map(of))
  const given = [
    times(({ start }) => start),
    times(({ end }) => end),
    times(({ from }) => from),
    times(({ until }) => until),
    times(({ dayStart }) => dayStart)
  ]
  const dayStarts = parameters.times(options.days.map(({ start }) => start))
  // Bounds of all intervals, with which PostgreSQL skips partitions when it plans the statement.
  const since = `received_at >= ${parameters.time(Math.min(...spans.map(({ dayStart }) => dayStart)))}`
  const until = `received_at < ${parameters.time(Math.max(...spans.map((span) => span.until)))}`
  const keyed = 'PARTITION BY session_key, day ORDER BY received_at, kind, texts COLLATE "C"'
  const step = `${since} AND ${until} AND received_at >= greatest(reached - ${idle}, day_start) AND received_at < reached`
  return `
    raw_interval AS (
      SELECT * FROM unnest(${given.join(", ")}) AS given (starts_at, ends_at, reads_from, reads_until, day_start)
    ), near AS MATERIALIZED (
      SELECT starts_at, ends_at, reads_from, day_start, one.* FROM raw_interval CROSS JOIN LATERAL (
        ${rows(
          site,
          `${since} AND ${until} AND received_at >= reads_from AND received_at < reads_until`,
          (table) => columns[table]
        )}
      ) AS one
    )${
      !beginsWithinDay
        ? ""
        : `, preceding (starts_at, ends_at, day_start, reached, keys) AS (
      SELECT starts_at, ends_at, day_start, reads_from, array_agg(DISTINCT session_key) FROM near
      WHERE received_at < starts_at AND reads_from > day_start
        AND session_key IN (SELECT session_key FROM near WHERE received_at >= starts_at AND campaign IS NOT NULL)
      GROUP BY starts_at, ends_at, day_start, reads_from
      UNION ALL
      SELECT starts_at, ends_at, day_start, reached - ${idle}, earlier.keys FROM preceding CROSS JOIN LATERAL (
        SELECT array_agg(DISTINCT session_key) AS keys FROM (
          ${rows(site, step, () => `${sessionKey} AS session_key`)}
        ) AS earlier JOIN unnest(keys) AS key ON key = session_key
      ) AS earlier WHERE earlier.keys IS NOT NULL
    ), far AS (
      SELECT starts_at, ends_at, one.* FROM preceding CROSS JOIN LATERAL (
        ${rows(site, step, (table) => columns[table])}
      ) AS one WHERE session_key = ANY (keys)
    )`
    }, found AS (
      SELECT starts_at, ends_at, ${rowColumns} FROM near
      ${beginsWithinDay ? `UNION ALL SELECT starts_at, ends_at, ${rowColumns} FROM far` : ""}
    ), marked AS (
      SELECT *, row_number() OVER keyed AS place, sum(1 - kind) OVER keyed AS views,
        coalesce(received_at - lag(received_at) OVER keyed > ${idle}, true) AS begins_run,
        received_at - lag(received_at) OVER keyed > interval '0' AS is_later,
        visitor_hash IS DISTINCT FROM lag(visitor_hash) OVER keyed AS is_other
      FROM (SELECT *, width_bucket(received_at, ${dayStarts}) AS day FROM found) AS dated
      WINDOW keyed AS (${keyed} ROWS UNBOUNDED PRECEDING)
    ), campaigned AS (
      SELECT *, substr(max(lpad(place::text, 10, '0') || coalesce(campaign, '') COLLATE "C")
        FILTER (WHERE begins_run OR campaign IS NOT NULL) OVER (${keyed} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 11)
        AS last_campaign
      FROM marked
    ), parted AS (
      SELECT *, begins_run OR coalesce(is_later AND campaign <> last_campaign, false) AS is_first FROM campaigned
    ), numbered AS (
      SELECT *, max(received_at) FILTER (WHERE is_first) OVER keyed AS began,
        kind = 0 AND views = 1 + max(views - 1 + kind) FILTER (WHERE is_first) OVER keyed AS is_landing,
        kind = 0 AND coalesce(lead(kind) OVER keyed = 1 OR lead(is_first) OVER keyed, true) AS may_exit
      FROM parted WINDOW keyed AS (${keyed} ROWS UNBOUNDED PRECEDING)
    ), run AS (
      SELECT session_key, began AS started_at, max(received_at) AS ended_at,
        decode(min(encode(visitor_hash, 'hex') COLLATE "C") FILTER (WHERE received_at = began), 'hex') AS visitor_hash,
        array_agg(visitor_hash) FILTER (WHERE is_first OR is_other) AS hashes,
        count(*) FILTER (WHERE kind = 0)::integer AS pageviews, count(*) FILTER (WHERE kind = 1)::integer AS events,
        bool_or(is_interactive) AS is_interactive,
        coalesce(max(texts) FILTER (WHERE is_landing), max(texts) FILTER (WHERE is_first)) AS texts,
        substr(max(lpad(views::text, 10, '0') || texts[${pathPlace}] COLLATE "C") FILTER (WHERE may_exit), 11) AS exit_page
      FROM numbered WHERE began >= starts_at AND began < ends_at GROUP BY session_key, day, began
    ), grouped AS (
      SELECT *, ${[...ofLanding, ...ofClient]
        .map((column, index) => `texts[${index + 1}] AS ${column === "path" ? "entry_page" : column}`)
        .join(", ")}
      FROM run
    )${options.channel ? `, ${channels}` : ""}, raw_visit AS (
      SELECT -row_number() OVER () AS visit_id, started_at, ended_at, session_key, visitor_hash,
        CASE WHEN cardinality(hashes) > 1 THEN ARRAY(SELECT DISTINCT unnest(hashes)) END AS other_hashes, pageviews, events,
        pageviews = 1 AND NOT is_interactive AS is_bounce,
        CASE WHEN pageviews = 1 AND NOT is_interactive THEN 0
          ELSE floor(extract(epoch FROM ended_at - started_at)) END::bigint AS duration,
        entry_page, exit_page, ${copied.join(", ")}, ${options.channel ? "channel" : "NULL::text AS channel"}
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
  ...copied,
  "channel"
]
