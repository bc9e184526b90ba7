/**
 * All migrations of the tables. An applied one is not changed: a later one changes what it created.
 *
 * @module
 */
import * as Tables from "./Tables.ts"

const lowCardinality = "LowCardinality(String)"
type Columns = Tables.TableDefinition["columns"]

const lowCardinalityOrNull = "LowCardinality(Nullable(String))"
const textOrNull = "Nullable(String) CODEC(ZSTD(1))"
const time = "DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))"

const order = "(hosted_website_id, toDate(received_at), visitor_hash, received_at)"

const viewColumns: Columns = [
  ["hosted_website_id", "UUID"],
  ["received_at", time],
  ["path", lowCardinality],
  ["utm_source", lowCardinalityOrNull],
  ["utm_medium", lowCardinalityOrNull],
  ["utm_campaign", lowCardinalityOrNull],
  ["utm_term", lowCardinalityOrNull],
  ["utm_content", lowCardinalityOrNull],
  ["referrer_host", lowCardinalityOrNull],
  ["referrer_path", textOrNull],
  ["device_type", lowCardinalityOrNull],
  ["screen_width", "Nullable(UInt16)"],
  ["session_id", textOrNull],
  ["browser", lowCardinalityOrNull],
  ["os", lowCardinalityOrNull],
  ["visitor_hash", "UUID"],
  ["country", lowCardinalityOrNull]
]

/** The columns of `VisitSql.columns` at the time of this migration. */
const visitColumns: Columns = [
  ["started_at", time],
  ["ended_at", time],
  ["view_count", "UInt32"],
  ["event_count", "UInt32"],
  ["is_bounce", "Bool"],
  ["seconds", "UInt32"],
  ["entry_page", lowCardinality],
  ["exit_page", lowCardinality],
  ["utm_source", lowCardinality],
  ["utm_medium", lowCardinality],
  ["utm_campaign", lowCardinality],
  ["utm_term", lowCardinality],
  ["utm_content", lowCardinality],
  ["referrer_host", lowCardinality],
  ["referrer_path", "String"],
  ["device_type", lowCardinality],
  ["browser", lowCardinality],
  ["os", lowCardinality],
  ["country", lowCardinality],
  ["channel", lowCardinality],
  ["hashes", "Array(UUID)"],
  ["fact_kinds", "Array(UInt8)"],
  ["fact_hashes", "Array(UUID)"],
  ["fact_pages", `Array(${lowCardinality})`],
  ["fact_names", `Array(${lowCardinality})`],
  ["fact_properties", "Array(Map(String, String))"],
  ["fact_amounts", "Array(Decimal(18, 3))"],
  ["fact_currencies", `Array(${lowCardinality})`]
]

const firstTables: ReadonlyArray<Tables.TableDefinition> = [
  { name: "page_view", time: "received_at", order, columns: viewColumns },
  { name: "bot_view", time: "received_at", order, columns: [...viewColumns, ["reason", lowCardinality]] },
  {
    name: "event",
    time: "received_at",
    order,
    columns: [
      ["hosted_website_id", "UUID"],
      ["received_at", time],
      ["name", lowCardinality],
      ["path", lowCardinality],
      ["session_id", textOrNull],
      ["visitor_hash", "UUID"],
      ["device_type", lowCardinalityOrNull],
      ["browser", lowCardinalityOrNull],
      ["os", lowCardinalityOrNull],
      ["country", lowCardinalityOrNull],
      // JSON: an object of texts, numbers and booleans.
      ["properties", textOrNull],
      // The same properties, each value as the text that JavaScript makes of it.
      ["property_texts", "Map(String, String)"],
      ["revenue_amount", "Nullable(Decimal(18, 3))"],
      ["revenue_currency", lowCardinalityOrNull],
      ["is_interactive", "Bool"]
    ]
  },
  {
    name: "conversion",
    time: "visit_started_at",
    order: "(hosted_website_id, visit_started_at)",
    columns: [
      ["hosted_website_id", "UUID"],
      ["visit_started_at", time],
      ["session_key", "String CODEC(ZSTD(1))"],
      ["name", lowCardinality]
    ]
  },
  // Visits of past days, computed from `page_view`, `event` and `conversion`; see `analytics/reports/clickhouse/DayRollUp`.
  {
    name: "visit",
    time: "day",
    order: "(hosted_website_id, day, roll)",
    columns: [["hosted_website_id", "UUID"], ["day", "Date"], ["roll", "UInt64"], ...visitColumns]
  },
  // The rollup runs of each day: the one with the highest `roll` is current. `row_count` and `row_hash` identify the rows it
  // read.
  {
    name: "visit_day",
    time: "day",
    order: "(hosted_website_id, day)",
    columns: [
      ["hosted_website_id", "UUID"],
      ["day", "Date"],
      ["roll", "UInt64"],
      ["version", lowCardinality],
      ["last_hour", "UInt32"],
      ["row_count", "UInt64"],
      ["row_hash", "UInt32"]
    ]
  }
]

/**
 * The tables of page views, events, conversions and stored visits.
 */
const tables: Tables.Migration = {
  id: 1,
  name: "tables",
  creates: firstTables.map(({ name }) => name),
  statements: (target) => firstTables.flatMap((table) => Tables.create(target, table))
}

const sums = [
  ...["visitors", "visits", "pageviews", "events", "visit_pageviews", "entries", "bounces", "duration"],
  ...["conversions", "converted"]
]

const visitTables: ReadonlyArray<Tables.TableDefinition> = [
  // The counts of ended days, by the values of one dimension; see `analytics/reports/clickhouse/SumSql`.
  {
    name: "visit_sum",
    time: "day",
    order: "(hosted_website_id, dimension, day, roll)",
    isByYear: true,
    columns: [
      ["hosted_website_id", "UUID"],
      ["day", "Date"],
      ["roll", "UInt64"],
      ["dimension", lowCardinality],
      ["value", lowCardinality],
      ...sums.map((name) => [name, "UInt64"] as const)
    ]
  },
  // A row for each batch with rows that were stored over a minute after they were received, and each quarter of an hour in which
  // these were received.
  {
    name: "late_row",
    time: "bucket",
    order: "(hosted_website_id, bucket)",
    columns: [
      ["hosted_website_id", "UUID"],
      ["bucket", "DateTime('UTC')"],
      // Whether these rows are of `conversion`.
      ["is_lead", "Bool"]
    ]
  }
]

const lateViews = [
  { from: "page_view", time: "received_at" },
  { from: "event", time: "received_at" },
  { from: "conversion", time: "visit_started_at" }
] as const

/**
 * Visits are stored while their day goes on, their sums when it has ended, and rows that arrive late are counted.
 */
const visits: Tables.Migration = {
  id: 2,
  name: "visits",
  creates: visitTables.map(({ name }) => name),
  statements: (target) => [
    ...Tables.addColumn(target, "visit", ["key_hash", "FixedString(16)"]),
    ...Tables.addColumn(target, "visit_day", ["until", "DateTime64(3, 'UTC')"]),
    ...Tables.addColumn(target, "visit_day", ["late_rows", "UInt64"]),
    ...Tables.addColumn(target, "visit_day", ["late_leads", "UInt64"]),
    ...visitTables.flatMap((table) => Tables.create(target, table)),
    ...lateViews.map(({ from, time }) =>
      Tables.createView(target, {
        name: `${from}_late`,
        from,
        to: "late_row",
        select: (
          table
        ) => `SELECT hosted_website_id, toStartOfFifteenMinutes(${time}) AS bucket, ${from === "conversion"} AS is_lead
          FROM ${table} WHERE ${time} < now64(3) - INTERVAL 1 MINUTE GROUP BY hosted_website_id, bucket`
      })
    )
  ]
}

/** See `analytics/reports/clickhouse/VisitDays`. */
const runTable: Tables.TableDefinition = {
  name: "visit_run",
  time: "day",
  order: "(hosted_website_id, day)",
  isByYear: true,
  columns: [
    ["hosted_website_id", "UUID"],
    ["day", "Date"],
    ["roll", "UInt64"],
    ["version", "LowCardinality(String)"],
    ["until", "DateTime64(3, 'UTC')"],
    ["late_rows", "UInt64"],
    ["late_leads", "UInt64"]
  ]
}

const runColumns = runTable.columns.map(([name]) => name).join(", ")

/**
 * A report reads the rollup runs from a table with a partition of a year: over a year, it read twelve files or more of them.
 *
 * Runs are still written to `visit_day`, from where a view copies them: processes of the version before read and write it. If each
 * version knew only its own runs, it would delete the visits of the other's as replaced ones. A later version can write `visit_run`.
 */
const runs: Tables.Migration = {
  id: 3,
  name: "runs",
  creates: [runTable.name],
  statements: (target) => [
    ...Tables.create(target, runTable),
    Tables.createView(target, {
      name: "visit_day_run",
      from: "visit_day",
      to: runTable.name,
      select: (days) => `SELECT ${runColumns} FROM ${days}`
    }),
    // After the view, so that no run is left out. A run that is copied twice is one run.
    `INSERT INTO ${runTable.name} (${runColumns}) SELECT ${runColumns} FROM visit_day`
  ]
}

/** All migrations, ascending. */
export const migrations: ReadonlyArray<Tables.Migration> = [tables, visits, runs]
