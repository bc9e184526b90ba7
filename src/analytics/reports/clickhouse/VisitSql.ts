/**
 * SQL that computes visits from page views, events and conversions, by the rules of `analytics/reports/Visits`. Pure: returns
 * SQL text.
 *
 * A visit is one row with its facts in arrays of equal length, so that no query needs a join.
 *
 * @module
 */
import { quoted } from "../../../platform/clickhouse/ClickHouse.ts"
import * as Channel from "../Channel.ts"
import * as Dimensions from "../Dimensions.ts"
import type { Day } from "../LocalTime.ts"
import { maxGap } from "../Visits.ts"
import type { Parameters } from "./Parameters.ts"

/** The texts of a visit, from its first view. A visit without a view has only those of `client`, from its first event. */
const texts: ReadonlyArray<string> = [...Dimensions.landingColumns, "path", ...Dimensions.clientColumns]

/** The texts other than the path, which visits have in columns of the same names. */
const copied = texts.filter((name) => name !== "path")

const client: ReadonlyArray<string> = Dimensions.clientColumns

const lowCardinality = "LowCardinality(String)"

/** The columns of a visit. An absent text is empty, because reports treat both alike. */
export const columns: ReadonlyArray<readonly [name: string, type: string]> = [
  // The hash of the session key.
  ["key_hash", "FixedString(16)"],
  ["started_at", "DateTime64(3, 'UTC')"],
  ["ended_at", "DateTime64(3, 'UTC')"],
  ["view_count", "UInt32"],
  ["event_count", "UInt32"],
  ["is_bounce", "Bool"],
  // Whole seconds.
  ["seconds", "UInt32"],
  ["entry_page", lowCardinality],
  ["exit_page", lowCardinality],
  ...copied.map((name) => [name, name === "referrer_path" ? "String" : lowCardinality] as const),
  ["channel", lowCardinality],
  // The visitors of the page views and events, each once.
  ["hashes", "Array(UUID)"],
  // 0 for a page view, 1 for an event, 2 for a lead, which is a row of `conversion`.
  ["fact_kinds", "Array(UInt8)"],
  ["fact_hashes", "Array(UUID)"],
  ["fact_pages", `Array(${lowCardinality})`],
  // The name of the event, or of the goal that the lead reached.
  ["fact_names", `Array(${lowCardinality})`],
  ["fact_properties", "Array(Map(String, String))"],
  // Without revenue, the amount is 0 and the currency is empty.
  ["fact_amounts", "Array(Decimal(18, 3))"],
  ["fact_currencies", `Array(${lowCardinality})`]
]

/** The column of a visit's website, which the visits of several websites have besides `columns`. */
export const siteColumn = ["hosted_website_id", "UUID"] as const

/** The parts of the tuple that represents a row. */
const parts = [
  "at",
  "texts",
  "kind",
  "hash",
  "page",
  "name",
  "properties",
  "amount",
  "currency",
  "is_interactive"
] as const

type Part = (typeof parts)[number]

/**
 * The columns whose names occur in an SQL text. For a small website, analyzing all columns takes ClickHouse longer than reading
 * the rows.
 */
export const mentioned = (text: string): typeof columns =>
  columns.filter(([name]) => new RegExp(`\\b${name}\\b`).test(text))

/** A part of a row. */
const of = (row: string, part: Part): string => `tupleElement(${row}, ${parts.indexOf(part) + 1})`

const sessionKey = "coalesce(session_id, replaceAll(toString(visitor_hash), '-', ''))"

const properties = "CAST(map(), 'Map(String, String)')"

const row = (given: Readonly<Record<Exclude<Part, "texts">, string>>, hasText: (name: string) => boolean): string => {
  // As an array, the texts sort with nulls last.
  const sorted = `[${texts.map((name) => (hasText(name) ? name : "NULL")).join(", ")}]`
  const values = { ...given, texts: `CAST(${sorted}, 'Array(Nullable(String))')` }
  return `tuple(${parts.map((part) => values[part]).join(", ")}) AS row`
}

const noRevenue = { amount: "toDecimal64(0, 3)", currency: "''" }

const received = { at: "toUnixTimestamp64Milli(received_at)", hash: "visitor_hash" }

/**
 * The rows of each table. The texts also order rows of the same time. An event's path is not among them, because the order does
 * not depend on it.
 */
const rowsOf = {
  page_view: `SELECT hosted_website_id, sipHash128(${sessionKey}) AS key, ${row(
    { ...received, ...noRevenue, kind: "0", page: "path", name: "''", properties, is_interactive: "false" },
    () => true
  )} FROM page_view`,
  event: `SELECT hosted_website_id, sipHash128(${sessionKey}) AS key, ${row(
    {
      ...received,
      kind: "1",
      page: "path",
      name: "name",
      properties: "property_texts",
      amount: "ifNull(revenue_amount, toDecimal64(0, 3))",
      currency: "ifNull(revenue_currency, '')",
      is_interactive: "is_interactive"
    },
    (name) => client.includes(name)
  )} FROM event`,
  conversion: `SELECT hosted_website_id, sipHash128(session_key) AS key, ${row(
    {
      ...noRevenue,
      at: "toUnixTimestamp64Milli(visit_started_at)",
      kind: "2",
      hash: "toUUID('00000000-0000-0000-0000-000000000000')",
      page: "''",
      name: "name",
      properties,
      is_interactive: "false"
    },
    () => false
  )} FROM conversion`
} as const

/** The tables from which visits are computed, with their time columns and session keys. */
export const sources = {
  page_view: { time: "received_at", key: sessionKey },
  event: { time: "received_at", key: sessionKey },
  conversion: { time: "visit_started_at", key: "session_key" }
} as const

export type Source = keyof typeof sources

const tables = ["page_view", "event", "conversion"] as const satisfies ReadonlyArray<Source>

/** For each of these tables, the SQL that `of` makes of it, as one statement. */
export const ofSources = (of: (table: Source, time: string) => string): string =>
  tables.map((table) => of(table, sources[table].time)).join(" UNION ALL ")

/** A website and the time zone of its days. */
export interface ZonedSite {
  readonly hostedWebsiteId: string
  readonly timeZone: string
}

/** Successive days of a website, oldest first. */
export type Days = readonly [Day, ...ReadonlyArray<Day>]

/** The end of the last day. */
export const endOf = (days: Days): number => (days.at(-1) ?? days[0]).end

/** The start of the day of a time, in milliseconds since 1970. */
export const dayStart = (parameters: Parameters, days: Days, millis: string): string =>
  `roundDown(${millis}, ${parameters.integers(days.map(({ start }) => start))})`

/** A day of which the visits are stored that were computed from the rows before `until`. */
export interface OpenDay {
  readonly day: Day
  readonly until: number
  /** Whether conversions were stored after these visits, which may lack them. */
  readonly hasNewLeads: boolean
}

/** Selects the rows because of which the visits of their session keys can differ from those that are stored. */
export const rowsSince = (
  parameters: Parameters,
  site: string,
  { day, hasNewLeads, until }: OpenDay
): ReadonlyArray<{ readonly table: Source; readonly from: string }> =>
  tables
    .filter((table) => table !== "conversion" || hasNewLeads)
    .map((table) => {
      const { time } = sources[table]
      const start = table === "conversion" ? day.start : until
      const from = `FROM ${table} WHERE hosted_website_id = ${site}
        AND ${time} >= ${parameters.time(start)} AND ${time} < ${parameters.time(day.end)}`
      return { table, from }
    })

/** The condition that selects the rows of a website or of several, of which `time` is the column with the time. */
export type Condition = (time: string) => string

/** Selects the rows of one website. */
export const ofSite =
  (site: string): Condition =>
  () =>
    `hosted_website_id = ${site}`

/** The rows of some days, with their session keys and days. `keys` selects the session keys; without it, all. */
const rows = (parameters: Parameters, condition: Condition, days: Days, keys: string | undefined): string => {
  const [start, end] = [parameters.time(days[0].start), parameters.time(endOf(days))]
  return ofSources(
    (table, time) => `SELECT *, ${dayStart(parameters, days, of("row", "at"))} AS day
        FROM (${rowsOf[table]} WHERE ${condition(time)} AND ${time} >= ${start} AND ${time} < ${end}
          ${keys === undefined ? "" : `AND key IN (SELECT sipHash128(key) FROM (${keys}))`})`
  )
}

const text = (name: string, row = "landing"): string => `ifNull(${row}[${texts.indexOf(name) + 1}], '')`

/** The source, medium and campaign of a row, by which visits are separated. */
const campaign = (row: string): string =>
  `[${["utm_source", "utm_medium", "utm_campaign"].map((name) => text(name, of(row, "texts"))).join(", ")}]`

const noCampaign = "['', '', '']"

/** The fields on which a visit's channel depends, in lower case. ClickHouse's `lower` changes only A to Z, as the rules require. */
const channelFields: Readonly<Record<keyof Channel.ChannelFields, string>> = {
  source: `lower(if(${text("utm_source")} != '', ${text("utm_source")}, ${text("referrer_host")}))`,
  medium: `lower(${text("utm_medium")})`,
  campaign: `lower(${text("utm_campaign")})`
}

/**
 * Whether all of some conditions hold, as nested conditionals: to optimize an `AND` or `OR` over the columns of a subquery, ClickHouse
 * hashes the whole subquery, which takes milliseconds each time.
 */
const all = (conditions: ReadonlyArray<string>): string =>
  conditions.reduceRight((rest, condition) => `if(${condition}, ${rest}, 0)`)

/** Whether one of some conditions holds, in the same way. */
const any = (conditions: ReadonlyArray<string>): string =>
  conditions.reduceRight((rest, condition) => `if(${condition}, 1, ${rest})`)

/**
 * The expression of a visit's channel over `channelFields`, by name: to analyze an expression as often as the rules use a field takes
 * ClickHouse longer. An absent field is empty.
 */
const channel = (): string => {
  const holds = (condition: Channel.Condition): string => {
    if ("all" in condition) return all(condition.all.map(holds))
    if ("any" in condition) return any(condition.any.map(holds))
    const matches = `match(${condition.field}, ${quoted(condition.pattern)})`
    return new RegExp(condition.pattern).test("") ? all([`${condition.field} != ''`, matches]) : matches
  }
  const rules = Channel.rules.map(([name, rule]) => `${holds(rule)}, ${quoted(name)}`)
  return `multiIf(${rules.join(", ")}, 'Direct')`
}

/** The expressions of `columns` over `run` (the rows of a visit), `views` (its page views) and `facts`. */
const expressions: Readonly<Record<string, string>> = {
  hosted_website_id: "hosted_website_id",
  key_hash: "key",
  started_at: "fromUnixTimestamp64Milli(began, 'UTC')",
  ended_at: "fromUnixTimestamp64Milli(ended, 'UTC')",
  view_count: "length(views)",
  event_count: "length(run) - length(views)",
  is_bounce: "bounced",
  seconds: "if(bounced, 0, intDiv(ended - began, 1000))",
  entry_page: text("path"),
  exit_page: text("path", of("views[-1]", "texts")),
  ...Object.fromEntries(copied.map((name) => [name, text(name)])),
  channel: channel(),
  hashes: `arrayDistinct(arrayMap(x -> ${of("x", "hash")}, run))`,
  fact_kinds: `arrayMap(x -> ${of("x", "kind")}, facts)`,
  fact_hashes: `arrayMap(x -> if(${of("x", "kind")} = 2, first_hash, ${of("x", "hash")}), facts)`,
  fact_pages: `arrayMap(x -> ${of("x", "page")}, facts)`,
  fact_names: `arrayMap(x -> ${of("x", "name")}, facts)`,
  fact_properties: `arrayMap(x -> ${of("x", "properties")}, facts)`,
  fact_amounts: `arrayMap(x -> ${of("x", "amount")}, facts)`,
  fact_currencies: `arrayMap(x -> ${of("x", "currency")}, facts)`
}

/**
 * The visits of some days, with some of `columns` and `siteColumn`. `keys` selects the session keys; without it, all. In the
 * statement, `known` has the last campaign of the run at each row, or `noCampaign`, and `earlier` that at the row before it.
 */
export const visits = (
  parameters: Parameters,
  condition: Condition,
  days: Days,
  selected: ReadonlyArray<(typeof columns)[number]> = columns,
  keys?: string
): string => `
  SELECT ${selected.map(([name, type]) => `CAST(${expressions[name]}, '${type.replaceAll("'", "\\'")}') AS ${name}`).join(",\n    ")}
  FROM (
    SELECT hosted_website_id, key, run, ${of("run[1]", "at")} AS began, ${of("run[-1]", "at")} AS ended,
      arrayFilter(x -> ${of("x", "kind")} = 0, run) AS views,
      ${of("if(empty(views), run[1], views[1])", "texts")} AS landing,
      ${all(["length(views) = 1", `NOT arrayExists(x -> ${of("x", "is_interactive")}, run)`])} AS bounced,
      ${Object.entries(channelFields)
        .map(([name, field]) => `${field} AS ${name}`)
        .join(", ")},
      toUUID(arraySort(arrayMap(x -> toString(${of("x", "hash")}), arrayFilter(x -> ${of("x", "at")} = began, run)))[1])
        AS first_hash,
      arrayConcat(run, arrayFilter(x -> ${all([`${of("x", "at")} >= began`, `${of("x", "at")} <= ended`])}, converted)) AS facts
    FROM (
      SELECT hosted_website_id, key, converted, arrayJoin(arraySplit(
        (x, gap, campaign, last) -> ${any([`gap > ${maxGap}`, all(["gap > 0", `campaign != ${noCampaign}`, "campaign != last"])])},
        rows, gaps, campaigns, earlier
      )) AS run
      FROM (
        SELECT hosted_website_id, key, rows, converted, arrayDifference(arrayMap(x -> ${of("x", "at")}, rows)) AS gaps,
          arrayMap(x -> ${campaign("x")}, rows) AS campaigns,
          arrayFill((x, gap) -> ${any([`gap > ${maxGap}`, `x != ${noCampaign}`])}, campaigns, gaps) AS known,
          arrayPopBack(arrayPushFront(known, ${noCampaign})) AS earlier
        FROM (
          SELECT hosted_website_id, key, arraySort(x -> (${of("x", "at")}, ${of("x", "texts")}), groupArrayIf(row, ${of("row", "kind")} < 2)) AS rows,
            groupArrayIf(row, ${of("row", "kind")} = 2) AS converted
          FROM (${rows(parameters, condition, days, keys)}) GROUP BY hosted_website_id, key, day
        ) WHERE notEmpty(rows)
      )
    )
  )`
