/**
 * SQL that computes visits from page views and events, by the rules of `analytics/reports/Visits`. Pure: returns SQL text.
 *
 * @module
 */
import * as Channel from "../Channel.ts"
import * as Dimensions from "../Dimensions.ts"
import type { Day } from "../LocalTime.ts"
import { maxGap } from "../Visits.ts"
import type { Parameters } from "./Parameters.ts"
import type { Interval } from "./RollupPlan.ts"

/** A run ends after this idle time. */
const idle = "interval '30 minutes'"

/** The session key of a row. */
export const sessionKey = `coalesce(session_id, encode(visitor_hash, 'hex')) COLLATE "C"`

/** Whether the session key of a visit is a session id, and not its hash. */
const hasSession = "session_key <> encode(visitor_hash, 'hex')"

/**
 * A visit copies the columns of `ofLanding` and `ofClient` from its first view. Without a view, it copies those of `ofClient`
 * from its first event.
 */
const ofLanding = [...Dimensions.landingColumns, "path"]
const ofClient = Dimensions.clientColumns

const pathPlace = ofLanding.indexOf("path") + 1

/** The columns of a visit with the texts of its first row. */
const copied = [...ofLanding.filter((column) => column !== "path"), ...ofClient]

/** The source, medium and campaign of a row as one text, by which visits are separated; null if the row has none of them. */
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

/** The maximum number of intervals that are written as conditions. A larger number is joined as a table. */
const maxConditions = 8

/** The websites of which a statement reads rows. */
export interface Websites {
  /** SQL of what follows `hosted_website_id`. */
  readonly isOne: string
  /** SQL of the array of their hosted websites' ids; null for one website. */
  readonly ids: string | null
}

/** One website. `site` is SQL of its hosted website's id. */
export const one = (site: string): Websites => ({ isOne: `= ${site}`, ids: null })

/** Some websites. `sites` is SQL of the array of their hosted websites' ids. */
export const some = (sites: string): Websites => ({ isOne: `= ANY (${sites})`, ids: sites })

/** The column with the website of a row or a visit, if a statement reads those of several. */
export const idColumn = ({ ids }: Websites): ReadonlyArray<string> => (ids === null ? [] : ["hosted_website_id"])

/** SQL of the id of the website to which the day `day` belongs. */
export const idOfDay = (ids: string, days: ReadonlyArray<Day>): string => `(${ids})[(day - 1) / ${days.length} + 1]`

/** The number of a row's day among the days of all websites, from 1: first those of the first website, and so on. */
export const dayOf = (parameters: Parameters, { ids }: Websites, days: ReadonlyArray<Day>, time: string): string => {
  const day = `width_bucket(${time}, ${parameters.times(days.map(({ start }) => start))})`
  return ids === null ? day : `${day} + (array_position(${ids}, hosted_website_id) - 1) * ${days.length}`
}

/** Selects what a table has of some websites in some intervals. */
export const inIntervals = (
  parameters: Parameters,
  { isOne }: Websites,
  intervals: ReadonlyArray<Interval>,
  { columns, table, time }: { readonly columns: string; readonly table: string; readonly time: string }
): string => {
  if (intervals.length > maxConditions) {
    const starts = parameters.times(intervals.map(({ start }) => start))
    const ends = parameters.times(intervals.map(({ end }) => end))
    return `SELECT ${columns} FROM unnest(${starts}, ${ends}) AS part (starts_at, ends_at)
      JOIN ${table} ON hosted_website_id ${isOne} AND ${time} >= starts_at AND ${time} < ends_at`
  }
  const conditions = intervals.map(
    ({ end, start }) => `${time} >= ${parameters.time(start)} AND ${time} < ${parameters.time(end)}`
  )
  return `SELECT ${columns} FROM ${table} WHERE hosted_website_id ${isOne} AND (${conditions.join(" OR ")})`
}

/** The page views and events of some websites in some intervals. `day` is SQL of their day. */
const rows = (parameters: Parameters, websites: Websites, intervals: ReadonlyArray<Interval>, day: string): string =>
  (["page_view", "event"] as const)
    .map((table) =>
      inIntervals(parameters, websites, intervals, {
        table,
        columns: `${columns[table]}, ${day} AS day`,
        time: "received_at"
      })
    )
    .join(" UNION ALL ")

/** The parts of days before intervals that begin within a day. The visits of these parts are stored. */
export const openParts = (intervals: ReadonlyArray<Interval>, days: ReadonlyArray<Day>): ReadonlyArray<Interval> =>
  intervals.flatMap(({ start }) => {
    const day = days.find((day) => start > day.start && start < day.end)
    return day === undefined ? [] : [{ start: day.start, end: start }]
  })

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

/** The columns of `raw_visit` that are computed from others. */
const computed: Readonly<Record<string, string>> = {
  other_hashes: "CASE WHEN cardinality(hashes) > 1 THEN ARRAY(SELECT DISTINCT unnest(hashes)) END",
  is_bounce: "pageviews = 1 AND NOT is_interactive",
  duration: `CASE WHEN pageviews = 1 AND NOT is_interactive THEN 0
    ELSE floor(extract(epoch FROM ended_at - started_at)) END::bigint`
}

const columnOf = (column: string): string => {
  const value = computed[column]
  return value === undefined ? column : `${value} AS ${column}`
}

/**
 * The visits for which a condition holds, as a table with their `row_id`. `OFFSET 0` keeps other conditions apart: with one of a
 * time, the planner could read all visits of the time instead of using the index, and compare each with every hash.
 */
const visitsWhere = (condition: string): string =>
  `(SELECT *, ctid AS row_id FROM visit WHERE ${condition} OFFSET 0) AS visit`

/** The visits with one of some hashes, as a table. */
export const ofHashes = (hashes: string): string => visitsWhere(`visitor_hash = ANY (ARRAY(${hashes}))`)

/** The visitor hash that a row's session key consists of; null if it is another session id. */
const hashOfKey = `CASE WHEN session_key = encode(visitor_hash, 'hex') THEN visitor_hash
  WHEN session_key ~ '^([0-9a-f]{2})+$' THEN decode(session_key, 'hex') END`

/**
 * Common table expressions, the last of which is `raw_visit`: the visits of the rows in the intervals, which must not overlap,
 * each with the number of its `day` (see `dayOf`). `days` are the websites' days that the intervals touch. No visit continues
 * beyond its day.
 *
 * If an interval begins within a day, all visits of the day up to then are stored. Those that its rows continue are in
 * `continued`, and `raw_visit` has them as they are after these rows: such a visit stands as one row (kind 2) before the others
 * of its session key.
 *
 * `raw_visit` has the id of a visit and the given columns of `visitColumns`.
 *
 * The aggregates of a visit have neither an order nor `DISTINCT`, because each of these would sort the rows once more.
 * Texts are compared only if rows of one session key have the same time. Absent texts sort last, as in arrays.
 */
export const rawVisits = (
  parameters: Parameters,
  websites: Websites,
  intervals: ReadonlyArray<Interval>,
  options: { readonly columns: ReadonlyArray<string>; readonly days: ReadonlyArray<Day> }
): string => {
  const channel = options.columns.includes("channel")
  const dayOfRow = dayOf(parameters, websites, options.days, "received_at")
  const open = openParts(intervals, options.days)
  const dayOfVisit = dayOf(parameters, websites, options.days, "started_at")
  const stillOpen = `hosted_website_id ${websites.isOne} AND (${open
    .map(
      ({ end, start }) => `(started_at >= ${parameters.time(start)} AND started_at < ${parameters.time(end)}
        AND ended_at >= ${parameters.time(end - maxGap)})`
    )
    .join(" OR ")})`
  const keyed = 'PARTITION BY session_key, day ORDER BY received_at, kind, texts COLLATE "C"'
  return `
    found AS ${open.length === 0 ? "" : "MATERIALIZED"} (
      SELECT *, NULL::bigint AS visit_id FROM (${rows(parameters, websites, intervals, dayOfRow)}) AS row
    )${
      open.length === 0
        ? ""
        : `, continued AS MATERIALIZED (
      SELECT DISTINCT ON (session_key, day) * FROM (
        SELECT *, ${dayOfVisit} AS day FROM ${ofHashes(`SELECT DISTINCT ${hashOfKey} FROM found`)}
        WHERE NOT (${hasSession}) AND ${stillOpen}
        UNION ALL
        SELECT *, ${dayOfVisit} FROM ${visitsWhere(`session_key = ANY (ARRAY(SELECT DISTINCT session_key FROM found)) AND ${hasSession}`)}
        WHERE ${stillOpen}
      ) AS one ORDER BY session_key, day, started_at DESC
    )`
    }, marked AS (
      SELECT *, row_number() OVER keyed AS place, sum((kind = 0)::int) OVER keyed AS views,
        coalesce(received_at - lag(received_at) OVER keyed > ${idle}, true) AS begins_run,
        received_at - lag(received_at) OVER keyed > interval '0' AS is_later,
        visitor_hash IS DISTINCT FROM lag(visitor_hash) OVER keyed AS is_other
      FROM (
        SELECT * FROM found
        ${
          open.length === 0
            ? ""
            : `UNION ALL SELECT ended_at, session_key, 2, visitor_hash, is_interactive, last_campaign,
          ARRAY[${[...ofLanding, ...ofClient].map((column) => (column === "path" ? "entry_page" : column)).join(", ")}]::text[],
          day, visit_id FROM continued`
        }
      ) AS dated
      WINDOW keyed AS (${keyed} ROWS UNBOUNDED PRECEDING)
    ), campaigned AS (
      SELECT *, substr(max(lpad(place::text, 10, '0') || coalesce(campaign, '') COLLATE "C")
        FILTER (WHERE begins_run OR campaign IS NOT NULL) OVER (${keyed} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 11)
        AS earlier_campaign
      FROM marked
    ), parted AS (
      SELECT *, begins_run OR coalesce(is_later AND campaign <> earlier_campaign, false) AS is_first FROM campaigned
    ), numbered AS (
      SELECT *, max(received_at) FILTER (WHERE is_first) OVER keyed AS began,
        kind = 0 AND views = 1 + max(views - (kind = 0)::int) FILTER (WHERE is_first) OVER keyed AS is_landing,
        kind = 0 AND coalesce(lead(kind) OVER keyed = 1 OR lead(is_first) OVER keyed, true) AS may_exit
      FROM parted WINDOW keyed AS (${keyed} ROWS UNBOUNDED PRECEDING)
    ), run AS (
      SELECT session_key, day, began AS started_at, max(received_at) AS ended_at,
        decode(min(encode(visitor_hash, 'hex') COLLATE "C") FILTER (WHERE received_at = began), 'hex') AS visitor_hash,
        array_agg(visitor_hash) FILTER (WHERE is_first OR is_other) AS hashes,
        count(*) FILTER (WHERE kind = 0)::integer AS pageviews, count(*) FILTER (WHERE kind = 1)::integer AS events,
        bool_or(is_interactive) AS is_interactive,
        max(texts) FILTER (WHERE is_landing) AS landing, max(texts) FILTER (WHERE is_first) AS texts,
        nullif(substr(max(lpad(place::text, 10, '0') || coalesce(campaign, '') COLLATE "C")
          FILTER (WHERE is_first OR campaign IS NOT NULL), 11), '') AS last_campaign,
        substr(max(lpad(views::text, 10, '0') || texts[${pathPlace}] COLLATE "C") FILTER (WHERE may_exit), 11) AS exit_page,
        max(visit_id) AS visit_id
      FROM numbered GROUP BY session_key, day, began
    ), joined AS (
      ${
        open.length === 0
          ? "SELECT *, coalesce(landing, texts) AS copied FROM run"
          : `SELECT session_key, run.day, coalesce(before.started_at, run.started_at) AS started_at, run.ended_at, run.visitor_hash,
        hashes || coalesce(before.other_hashes, '{}') AS hashes, run.pageviews + coalesce(before.pageviews, 0) AS pageviews,
        run.events + coalesce(before.events, 0) AS events, run.is_interactive, run.last_campaign,
        coalesce(run.exit_page, before.exit_page) AS exit_page,
        CASE WHEN before.pageviews > 0 THEN texts ELSE coalesce(landing, texts) END AS copied
      FROM run LEFT JOIN continued AS before USING (visit_id, session_key)`
      }
    ), grouped AS (
      SELECT *, ${[...ofLanding, ...ofClient]
        .map((column, index) => `copied[${index + 1}] AS ${column === "path" ? "entry_page" : column}`)
        .join(", ")}
      FROM joined
    )${channel ? `, ${channels}` : ""}, raw_visit AS (
      SELECT -row_number() OVER () AS visit_id, day, ${options.columns.map(columnOf).join(", ")}
      FROM grouped ${channel ? joinChannel : ""}
    )`
}

/** The columns of a visit that reports need besides the id and the dimensions. */
export const countedColumns = [
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

/** The columns of `visit` apart from the website and the id. */
export const visitColumns = [...countedColumns, "is_interactive", "last_campaign", "exit_page", ...copied, "channel"]

/**
 * Common table expressions that store the visits of an interval, in place of those that its rows continue. They include those of
 * `rawVisits`. `site` is SQL of the website to which a row of `raw_visit` belongs. The replaced visits are found by their place,
 * because `visit` has no index by id: no other transaction changes the visits of a website that is locked.
 */
export const storing = (
  parameters: Parameters,
  websites: Websites,
  site: string,
  interval: Interval,
  days: ReadonlyArray<Day>
): ReadonlyArray<string> => [
  rawVisits(parameters, websites, [interval], { columns: visitColumns, days }),
  ...(openParts([interval], days).length === 0
    ? []
    : ["replaced AS (DELETE FROM visit WHERE ctid = ANY (ARRAY(SELECT row_id FROM continued)))"]),
  `stored AS (
    INSERT INTO visit (hosted_website_id, ${visitColumns.join(", ")}) SELECT ${site}, ${visitColumns.join(", ")} FROM raw_visit
  )`
]
