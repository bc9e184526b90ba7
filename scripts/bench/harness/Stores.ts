/**
 * The same service with page views in PostgreSQL and in ClickHouse: what a page view costs, how long it waits for its batch,
 * what reports take, and what a row takes on disk.
 *
 * @module
 */
import { Effect } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as ClickHouse from "./ClickHouse.ts"
import * as Contenders from "./Contenders.ts"
import * as Edge from "./Edge.ts"
import * as Latency from "./Latency.ts"
import { type Measure, rateRow } from "./Measure.ts"
import * as ProcessorTime from "./ProcessorTime.ts"
import type * as Program from "./Program.ts"
import { describe, reset } from "./Rates.ts"
import * as Statistics from "./Statistics.ts"
import * as StoreReports from "./StoreReports.ts"
import type * as TestBed from "./TestBed.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly rounds: number
  readonly seconds: number
  /** The number of page views that reports are made of. */
  readonly reported: number
}

const warmUpSeconds = 3

/** A page view waits for its batch, so a closed loop needs many connections for the top rate. */
const connections = 2_000

/** The page views per second while their latency is measured. */
const steadyRate = 2_000

/** The values of `ANALYTICS_INTERVAL` that are compared, in milliseconds. The default is among them. */
const intervals = [100, 250, 500, 1000]

/** The settings of a service, and the programs other than PostgreSQL in which it stores data. */
interface Variant {
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  readonly stores: ReadonlyArray<Program.Program>
}

const measureRates = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  edge: Edge.Edge,
  variants: ReadonlyArray<Variant>,
  options: Options
) {
  const costs = new Map(variants.map(({ name }) => [name, [] as Array<Wrk.Cost>]))
  for (let round = 0; round < options.rounds; round++) {
    for (const { name, settings, stores } of Statistics.orderOf(variants, round)) {
      yield* reset(testBed, Contenders.ofEdge(testBed, name, edge))
      const cost = yield* Effect.scoped(
        Effect.gen(function* () {
          const port = yield* Ports.free
          const program = yield* Edge.serve(testBed, edge, port, { settings })
          const load: Wrk.Load = {
            ...{ port, kind: "view" as const, seconds: options.seconds, connections },
            subject: edge.site.trackingToken
          }
          yield* Wrk.send(testBed.folder, name, { ...load, seconds: warmUpSeconds })
          return yield* Wrk.measure(testBed, program, name, load, [], stores)
        })
      )
      console.error(`round ${round + 1}  ${name}: ${describe(cost, "page views")}`)
      costs.get(name)?.push(cost)
    }
  }
  return {
    id: "store-views",
    title: `Page views by their store, ${connections.toLocaleString("en-US")} connections`,
    unit: "requests/s",
    store: "store",
    rows: variants.map(({ name }) => rateRow(name, costs.get(name) ?? []))
  } satisfies Measure
})

interface Waited {
  readonly median: number
  readonly p99: number
  readonly own: number
  readonly store: number
}

/** The latency of page views at a steady rate, and their processor time in microseconds. */
const measureWait = (testBed: TestBed.TestBed, edge: Edge.Edge, variant: Variant, seconds: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const port = yield* Ports.free
      const program = yield* Edge.serve(testBed, edge, port, { settings: variant.settings })
      const readTimes = () => ({
        own: ProcessorTime.read(program.pid),
        store: [testBed.postmaster, ...variant.stores.map(({ pid }) => pid)]
          .map(ProcessorTime.read)
          .reduce((sum, time) => sum + time)
      })
      const before = readTimes()
      const { median, p99, total } = yield* Latency.send(testBed.folder, variant.name, {
        ...{ port, subject: edge.site.trackingToken, rate: steadyRate, seconds, connections }
      })
      const after = readTimes()
      return {
        median,
        p99,
        own: (after.own - before.own) / total,
        store: (after.store - before.store) / total
      } satisfies Waited
    })
  )

const measureWaits = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  edge: Edge.Edge,
  variants: ReadonlyArray<Variant>,
  options: Options
) {
  const samples = new Map(variants.map(({ name }) => [name, [] as Array<Waited>]))
  for (let round = 0; round < options.rounds; round++) {
    for (const variant of Statistics.orderOf(variants, round)) {
      const waited = yield* measureWait(testBed, edge, variant, options.seconds)
      console.error(
        `round ${round + 1}  ${variant.name}: median ${waited.median.toFixed(0)} ms, p99 ${waited.p99.toFixed(0)} ms, ` +
          `${waited.own.toFixed(1)} + ${waited.store.toFixed(1)} µs each`
      )
      samples.get(variant.name)?.push(waited)
    }
  }
  const rate = steadyRate.toLocaleString("en-US")
  return (["median", "p99"] as const).map(
    (kind): Measure => ({
      id: `store-${kind}`,
      title: `Latency, ${kind}, at ${rate} page views/s, and the processor time of one`,
      unit: "ms",
      store: "store",
      rows: variants.map(({ name }) => {
        const all = samples.get(name) ?? []
        return {
          contender: name,
          samples: all.map((each) => each[kind]),
          processorTime: { own: all.map(({ own }) => own), store: all.map(({ store }) => store) }
        }
      })
    })
  )
})

/** Measures both stores. Their reports read the same page views, which `analytics copy` copies to ClickHouse. */
export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const clickHouse = yield* ClickHouse.start(testBed)
      const stores = [clickHouse.program]
      const postgres: Variant = { name: "PostgreSQL", settings: {}, stores: [] }
      const separate: Variant = { name: "ClickHouse", settings: clickHouse.settings, stores }
      const rates = yield* measureRates(testBed, edge, [postgres, separate], options)
      const waits = yield* measureWaits(
        testBed,
        edge,
        [
          postgres,
          ...intervals.map((millis) => ({
            name: `ClickHouse, ANALYTICS_INTERVAL=${millis} millis`,
            settings: { ...clickHouse.settings, ANALYTICS_INTERVAL: `${millis} millis` },
            stores
          }))
        ],
        options
      )
      yield* reset(testBed, Contenders.ofEdge(testBed, postgres.name, edge))
      yield* ClickHouse.run(clickHouse, "TRUNCATE TABLE page_view")
      return [rates, ...waits, ...(yield* StoreReports.measure(testBed, edge, clickHouse, options))]
    })
  )
})
