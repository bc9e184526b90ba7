/**
 * The unit costs of the growth guide. Most are read from the tables of the bench's README. Pure.
 *
 * @module
 */
import { Option } from "effect"
import * as GrowthTables from "./GrowthTables.ts"
import { names as contenders, type Measure } from "./Measure.ts"
import { headingOf, ownColumn } from "./Table.ts"

/** What one `what` takes or handles: the bytes of one page view, or the page views a second of one process. */
export interface Unit {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** Where the figure comes from. */
  readonly source: string
}

/** The units in the order of the guide's table. */
export const names = [
  "processRate",
  "edgeMicros",
  "postgresRate",
  "postgresBytes",
  "walBytes",
  "redisRate",
  "requestBytes",
  "responseBytes",
  "clickhouseBytes",
  "clickhouseInserts",
  "clickhouseBatch",
  "processConnections",
  "databaseQueue",
  "ackSeconds"
] as const

/** All unit costs by name. */
export type Units = Readonly<Record<(typeof names)[number], Unit>>

/** The figure in a row of the table with this title, in the column `column`. */
export const figureOf = (document: string, title: string, row: string, column = "median"): Option.Option<number> => {
  const cellsOf = (line: string) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim())
  const lines = document.split("\n")
  const start = lines.findIndex((line) => cellsOf(line)[0] === title)
  if (start < 0) return Option.none()
  const at = cellsOf(lines[start]!).indexOf(column)
  for (let index = start + 2; lines[index]?.startsWith("|"); index++) {
    const cells = cellsOf(lines[index]!)
    if (cells[0] !== row) continue
    const value = Number(cells[at]?.replaceAll(",", ""))
    return Number.isFinite(value) ? Option.some(value) : Option.none()
  }
  return Option.none()
}

const bench = "`scripts/bench/README.md`"

/** The unit costs, read from the bench's tables where these have them. Throws if a table lacks a figure. */
export const unitsOf = (document: string): Units => {
  const read = (title: string, row: string, column?: string): number =>
    Option.getOrThrowWith(
      figureOf(document, title, row, column),
      () => new Error(`The bench's README has no figure of "${row}" in the table "${title}".`)
    )
  const readOf = (measure: Pick<Measure, "title" | "unit">, row: string, column?: string) =>
    read(headingOf(measure), row, column)
  const { bytes } = GrowthTables
  return {
    processRate: {
      what: "process",
      value: readOf(GrowthTables.views, contenders.edge),
      unit: "page views a second",
      source: `${bench}, page views`
    },
    edgeMicros: {
      what: "page view, on the service's cores",
      value: readOf(GrowthTables.views, contenders.edge, ownColumn),
      unit: "µs",
      source: `${bench}, page views`
    },
    postgresRate: {
      what: "PostgreSQL that several processes write to",
      value: readOf(GrowthTables.database, GrowthTables.batchesRow(2)),
      unit: "page views a second",
      source: `${bench}, capacity`
    },
    postgresBytes: {
      what: "page view on PostgreSQL's disk, with its index",
      value: readOf(GrowthTables.size, GrowthTables.sizeRow),
      unit: "bytes",
      source: `${bench}, capacity`
    },
    walBytes: {
      what: "page view in PostgreSQL's write-ahead log, which replicas and archives receive",
      value: read(bytes.heading, bytes.log),
      unit: "bytes",
      source: `${bench}, what a page view moves`
    },
    redisRate: {
      what: "Redis",
      value: readOf(GrowthTables.redis, GrowthTables.redisServer),
      unit: "limited requests a second",
      source: `${bench}, capacity`
    },
    requestBytes: {
      what: "request of a browser, without TLS",
      value: read(bytes.heading, bytes.request),
      unit: "bytes",
      source: `${bench}, what a page view moves`
    },
    responseBytes: {
      what: "its answer",
      value: read(bytes.heading, bytes.answer),
      unit: "bytes",
      source: `${bench}, what a page view moves`
    },
    clickhouseBytes: {
      what: "page view on ClickHouse's disk",
      value: 19,
      unit: "bytes",
      source: "[ClickHouse](clickhouse.md): a million generated views"
    },
    clickhouseInserts: {
      what: "table of a ClickHouse",
      value: 10,
      unit: "inserts a second",
      source: "[ClickHouse](clickhouse.md#latency), not measured"
    },
    clickhouseBatch: {
      what: "insert",
      value: 20_000,
      unit: "page views at most",
      source: "`src/analytics/clickhouse/AnalyticsRepo.ts`"
    },
    processConnections: {
      what: "process",
      value: 19,
      unit: "connections to PostgreSQL at most",
      source: "[settings](settings.md), `DATABASE_CONNECTIONS`"
    },
    databaseQueue: {
      what: "process",
      value: 50_000,
      unit: "waiting requests of a kind at most",
      source: "[settings](settings.md), `DATABASE_QUEUE`"
    },
    ackSeconds: {
      what: "page view on PostgreSQL, median at half of the top rate",
      value: readOf(GrowthTables.latency("median", "own"), contenders.edge) / 1000,
      unit: "s",
      source: `${bench}, latency`
    }
  }
}
