/**
 * The tables of page views, events, conversions and stored visits. Later migrations change them: do not change this file.
 *
 * @module
 */
import type { Migration } from "../Migration.ts"
import * as Tables from "../Tables.ts"

type Columns = Tables.TableDefinition["columns"]

const lowCardinality = "LowCardinality(String)"
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

const tables: ReadonlyArray<Tables.TableDefinition> = [
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

export const migration: Migration = {
  id: 1,
  name: "tables",
  creates: tables.map(({ name }) => name),
  statements: (target) => tables.flatMap((table) => Tables.create(target, table))
}
