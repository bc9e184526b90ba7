/**
 * Computes how many processes, machines and connections, and how much disk and network, a rate of page views needs, and which
 * of these reaches its limit first. The unit costs are in `GrowthUnits.ts`. Pure.
 *
 * The guide `src/docs/growth.md` shows the tables. `test/docs/Growth.test.ts` checks that they are up to date.
 *
 * @module
 */
import { names, type Unit, type Units } from "./GrowthUnits.ts"
import { table } from "./Table.ts"

/** What the plan assumes without a measurement. */
export const assumptions = {
  /** The planned load of each part except ClickHouse, as a share of its top rate. With a half, one of two may fail. */
  plannedLoad: 0.5,
  /** Cores of a machine. */
  cores: 8,
  /** How many client connections to PostgreSQL one server takes without a pooler: its default `max_connections`. */
  postgresConnections: 100
} as const

export const rates = [10_000, 100_000, 1_000_000] as const

export interface Plan {
  readonly rate: number
  /** Cores that are busy with page views. */
  readonly busyCores: number
  readonly processes: number
  readonly machines: number
  readonly redisMasters: number
  /** `postgres` while one server is enough, else `clickhouse`. */
  readonly store: "postgres" | "clickhouse"
  /** Independent installations, each with its own websites and stores. */
  readonly cells: number
  /** Inserts per second into a table of one ClickHouse. */
  readonly inserts: number
  /** The shortest `ANALYTICS_INTERVAL` with which each ClickHouse gets few enough inserts, in seconds. */
  readonly intervalSeconds: number
  /** Connections to PostgreSQL without a pooler, in one cell. */
  readonly connections: number
  /** Requests that wait for their batch in one process. */
  readonly waiting: number
  /** Bytes a day if the rate lasts all day. */
  readonly diskBytes: number
  /** Bytes per second of the write-ahead log; 0 with ClickHouse. */
  readonly walBytes: number
  /** Bits per second. */
  readonly inbound: number
  readonly outbound: number
}

/** The default of `ANALYTICS_INTERVAL`, in seconds. */
const defaultInterval = 0.5

export const planOf = (units: Units, rate: number): Plan => {
  const usable = (unit: Unit) => unit.value * assumptions.plannedLoad
  const busyCores = (rate * units.edgeMicros.value) / 1e6
  // Two of everything that serves: one may fail or restart.
  const processes = Math.max(2, Math.ceil(rate / usable(units.processRate)))
  const store = rate <= usable(units.postgresRate) ? "postgres" : "clickhouse"
  const isSeparate = store === "clickhouse"
  // An insert holds at most one full batch, and one ClickHouse takes a bounded number of inserts per second.
  const cellRate = units.clickhouseInserts.value * units.clickhouseBatch.value
  const cells = isSeparate ? Math.ceil(rate / cellRate) : 1
  const perCellProcesses = Math.ceil(processes / cells)
  const intervalSeconds = isSeparate ? Math.max(defaultInterval, perCellProcesses / units.clickhouseInserts.value) : 0
  return {
    rate,
    busyCores,
    processes,
    machines: Math.max(2, Math.ceil(busyCores / assumptions.plannedLoad / assumptions.cores)),
    redisMasters: Math.ceil(rate / usable(units.redisRate)),
    store,
    cells,
    inserts: isSeparate ? perCellProcesses / intervalSeconds : 0,
    intervalSeconds,
    connections: perCellProcesses * units.processConnections.value,
    waiting: (rate / processes) * (isSeparate ? intervalSeconds : units.ackSeconds.value),
    diskBytes: rate * 86_400 * (isSeparate ? units.clickhouseBytes : units.postgresBytes).value,
    walBytes: isSeparate ? 0 : rate * units.walBytes.value,
    inbound: rate * units.requestBytes.value * 8,
    outbound: rate * units.responseBytes.value * 8
  }
}

/** A rate at which one thing reaches its limit, and what to add then. */
export interface Ceiling {
  readonly what: string
  readonly rate: number
  readonly remedy: string
}

/** The ceilings in the order in which a growing service reaches them. */
export const ceilings = (units: Units): ReadonlyArray<Ceiling> =>
  [
    {
      what: "one process",
      rate: units.processRate.value,
      remedy: "more processes and machines behind a load balancer, with `REDIS_URL`"
    },
    {
      what: "one Redis",
      rate: units.redisRate.value,
      remedy: "a Redis Cluster: each limit is one key, so masters share the keys"
    },
    {
      what: "one PostgreSQL, its rows",
      rate: units.postgresRate.value,
      remedy: "page views in ClickHouse (`ANALYTICS_URL`)"
    },
    {
      what: "PostgreSQL's connections",
      rate:
        Math.floor(assumptions.postgresConnections / units.processConnections.value) *
        units.processRate.value *
        assumptions.plannedLoad,
      remedy: "PgBouncer in transaction mode"
    },
    {
      what: "a network card of 1 Gbit/s",
      rate: 1e9 / 8 / Math.max(units.requestBytes.value, units.responseBytes.value),
      remedy: "more load balancers, or a faster card"
    },
    {
      what: "inserts into one ClickHouse",
      rate: units.clickhouseInserts.value * units.clickhouseBatch.value,
      remedy: "cells: installations of their own, each for a part of the websites"
    }
  ].toSorted((a, b) => a.rate - b.rate)

const whole = (value: number): string => Math.round(value).toLocaleString("en-US")
const figure = (value: number): string => (value >= 100 ? whole(value) : String(Number(value.toPrecision(2))))

/** A number of bytes or bits with a decimal prefix. */
const scaled = (value: number, unit: string): string => {
  const [factor, prefix] = value >= 1e12 ? [1e12, "T"] : value >= 1e9 ? [1e9, "G"] : [1e6, "M"]
  return `${figure(value / factor)} ${prefix}${unit}`
}

export const unitsTable = (units: Units): string =>
  table(
    ["one", "takes or handles", "measured by"],
    names.map((name) => {
      const { source, unit, value, what } = units[name]
      return [what, `${value >= 1_000 ? whole(value) : value} ${unit}`, source]
    })
  )

export const plansTable = (plans: ReadonlyArray<Plan>): string => {
  const row = (name: string, of: (plan: Plan) => string) => [name, ...plans.map(of)]
  const ofClickHouse = (of: (plan: Plan) => string) => (plan: Plan) => (plan.store === "clickhouse" ? of(plan) : "-")
  return table(
    ["page views a second", ...plans.map(({ rate }) => whole(rate))],
    [
      row("busy cores of the service", ({ busyCores }) => figure(busyCores)),
      row("processes", ({ processes }) => whole(processes)),
      row(`machines of ${assumptions.cores} cores`, ({ machines }) => whole(machines)),
      row("Redis masters", ({ redisMasters }) => whole(redisMasters)),
      row("store of page views", ({ store }) => (store === "postgres" ? "PostgreSQL" : "ClickHouse")),
      row("cells, each with its stores", ({ cells }) => whole(cells)),
      row(
        "`ANALYTICS_INTERVAL` at least",
        ofClickHouse(({ intervalSeconds }) => `${figure(intervalSeconds)} s`)
      ),
      row(
        "inserts a second into a table of a cell",
        ofClickHouse(({ inserts }) => figure(inserts))
      ),
      row("requests that wait in a process", ({ waiting }) => figure(waiting)),
      row("connections to PostgreSQL of a cell", ({ connections }) => whole(connections)),
      row("disk, a day at this rate", ({ diskBytes }) => scaled(diskBytes, "B")),
      row("write-ahead log of PostgreSQL, a second", ({ store, walBytes }) =>
        store === "postgres" ? scaled(walBytes, "B") : "-"
      ),
      row("network from visitors", ({ inbound }) => scaled(inbound, "bit/s")),
      row("network to visitors", ({ outbound }) => scaled(outbound, "bit/s"))
    ]
  )
}

export const ceilingsTable = (units: Units): string =>
  table(
    ["full", "at page views a second", "then"],
    ceilings(units).map(({ rate, remedy, what }) => [what, whole(rate), remedy])
  )
