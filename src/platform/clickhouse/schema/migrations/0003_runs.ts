/**
 * A report reads the rollup runs from a table with a partition of a year: over a year, it read twelve files or more of them.
 *
 * Runs are still written to `visit_day`, from where a view copies them: processes of the version before read and write it. If each
 * version knew only its own runs, it would delete the visits of the other's as replaced ones. A later version can write `visit_run`.
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
    Tables.createView(target, {
      name: "visit_day_run",
      from: "visit_day",
      to: table.name,
      select: (days) => `SELECT ${columns} FROM ${days}`
    }),
    // After the view, so that no run is left out. A run that is copied twice is one run.
    `INSERT INTO ${table.name} (${columns}) SELECT ${columns} FROM visit_day`
  ]
}
