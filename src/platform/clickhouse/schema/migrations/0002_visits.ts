/**
 * Visits are stored while their day goes on, their sums when it has ended, and rows that arrive late are counted.
 *
 * @module
 */
import type { Migration } from "../Migration.ts"
import * as Tables from "../Tables.ts"

const lowCardinality = "LowCardinality(String)"

const counts = [
  ...["visitors", "visits", "pageviews", "events", "visit_pageviews", "entries", "bounces", "duration"],
  ...["conversions", "converted"]
]

const tables: ReadonlyArray<Tables.TableDefinition> = [
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
      ...counts.map((name) => [name, "UInt64"] as const)
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

const views = [
  { from: "page_view", time: "received_at" },
  { from: "event", time: "received_at" },
  { from: "conversion", time: "visit_started_at" }
] as const

export const migration: Migration = {
  id: 2,
  name: "visits",
  creates: tables.map(({ name }) => name),
  statements: (target) => [
    ...Tables.addColumn(target, "visit", ["key_hash", "FixedString(16)"]),
    ...Tables.addColumn(target, "visit_day", ["until", "DateTime64(3, 'UTC')"]),
    ...Tables.addColumn(target, "visit_day", ["late_rows", "UInt64"]),
    ...Tables.addColumn(target, "visit_day", ["late_leads", "UInt64"]),
    ...tables.flatMap((table) => Tables.create(target, table)),
    ...views.map(({ from, time }) =>
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
