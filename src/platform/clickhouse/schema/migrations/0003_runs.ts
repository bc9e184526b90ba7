/**
 * The rollup runs move to a table with a partition of a year: a report over a year read twelve files or more of them.
 *
 * @module
 */
import type { Migration } from "../Migration.ts"
import * as Tables from "../Tables.ts"

/** See `analytics/reports/clickhouse/VisitDays`. */
const table: Tables.TableDefinition = {
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

const columns = table.columns.map(([name]) => name).join(", ")

export const migration: Migration = {
  id: 3,
  name: "runs",
  creates: [table.name],
  statements: (target) => [
    ...Tables.create(target, table),
    // A run that is copied twice is one run. `visit_day` stays for processes of the version before.
    `INSERT INTO ${table.name} (${columns}) SELECT ${columns} FROM visit_day`
  ]
}
