/**
 * Throughput: how many page views, submissions and invalid page views each contender answers per second, and its peak memory
 * under page views.
 *
 * @module
 */
import { Effect } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as Contenders from "./Contenders.ts"
import * as ContractCheck from "./ContractCheck.ts"
import type * as Edge from "./Edge.ts"
import * as GrowthTables from "./GrowthTables.ts"
import { type Measure, names, rateRow } from "./Measure.ts"
import * as Program from "./Program.ts"
import * as Statistics from "./Statistics.ts"
import * as TestBed from "./TestBed.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly rounds: number
  /** The duration of each load. */
  readonly seconds: number
  readonly connections: number
  /** Whether invalid page views are measured too. */
  readonly withInvalid: boolean
  /** A folder for CPU profiles of the service. With it, only page views are sent. */
  readonly profile?: string | undefined
}

/** The duration of the load before a measurement: Node and Python compile code that runs often. */
const warmUpSeconds = 3

/** A load for a contender's own site. */
export const loadFor = (
  contender: Contenders.Contender,
  kind: "view" | "event" | "form" | "invalid",
  options: { readonly port: number; readonly seconds: number; readonly connections: number }
): Wrk.Load => ({
  kind,
  port: options.port,
  seconds: options.seconds,
  connections: options.connections,
  subject: kind === "form" ? contender.site.websiteConfigId : contender.site.trackingToken
})

/** Empties a contender's tables and writes a checkpoint. */
export const reset = Effect.fnUntraced(function* (testBed: TestBed.TestBed, { storage }: Contenders.Contender) {
  if (storage !== undefined) {
    const tables = [...storage.views, ...storage.events, ...storage.forms].join(", ")
    yield* TestBed.runStatements(testBed, storage.database, [`TRUNCATE ${tables} CASCADE`])
  }
  yield* TestBed.checkpoint(testBed)
})

/** The number of page views, events or submissions that a contender has stored; 0 if it stores nothing. */
export const countStored = (
  testBed: TestBed.TestBed,
  { storage }: Contenders.Contender,
  tables: "views" | "events" | "forms"
) => (storage === undefined ? Effect.succeed(0) : TestBed.countRows(testBed, storage.database, storage[tables]))

/**
 * Fails unless a contender stored every request that it answered. wrk does not count the requests that were in flight when it
 * stopped: at most `uncounted` of them are stored as well.
 */
export const requireStored = (
  contender: Contenders.Contender,
  counts: { readonly answered: number; readonly stored: number; readonly uncounted: number }
): Effect.Effect<void, Program.BenchError> => {
  const { answered, stored, uncounted } = counts
  return contender.storage === undefined || (stored >= answered && stored <= answered + uncounted)
    ? Effect.void
    : new Program.BenchError({ message: `${contender.name} answered ${answered} requests and stored ${stored}` })
}

/** The costs of one contender in one round. */
export interface RoundResult {
  readonly contender: string
  readonly views: Wrk.Cost
  readonly forms: Wrk.Cost | undefined
  readonly invalid: Wrk.Cost | undefined
  readonly memory: number
}

/** Measures one contender in one round: a new process on empty tables. */
const measureOne = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  contender: Contenders.Contender,
  options: Options
) {
  yield* reset(testBed, contender)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const port = yield* Ports.free
      const { connections, seconds } = options
      const node =
        options.profile === undefined
          ? []
          : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`, "--cpu-prof-interval=500"]
      const program = yield* contender.serve(port, { node })
      const settled = contender.name === names.edge ? TestBed.awaitQuiet(testBed) : Effect.void
      type Kind = "view" | "form" | "invalid"
      const load = (kind: Kind) => loadFor(contender, kind, { port, seconds, connections })
      const warmUp = (kind: Kind) => Wrk.send(testBed.folder, contender.name, { ...load(kind), seconds: warmUpSeconds })
      const measure = (kind: Kind) =>
        Effect.tap(Wrk.measure(testBed, program, contender.name, load(kind)), () => settled)
      const measureStored = Effect.fnUntraced(function* (kind: "view" | "form") {
        yield* warmUp(kind)
        const count = countStored(testBed, contender, kind === "view" ? "views" : "forms")
        const before = yield* count
        const cost = yield* measure(kind)
        const stored = (yield* count) - before
        // Requests of the previous load and of this one may still be in flight when wrk stops.
        yield* requireStored(contender, { answered: cost.requests, stored, uncounted: 2 * connections })
        return cost
      })
      yield* ContractCheck.run(contender.name, port, contender.site)
      const [views, memory] = yield* Program.withPeakMemory(program, measureStored("view"))
      return {
        contender: contender.name,
        views,
        forms: options.profile === undefined ? yield* measureStored("form") : undefined,
        invalid:
          options.profile === undefined && options.withInvalid
            ? yield* Effect.andThen(warmUp("invalid"), measure("invalid"))
            : undefined,
        memory
      } satisfies RoundResult
    })
  )
})

/** A rate and its processor time, for progress messages. */
export const describe = (cost: Wrk.Cost, unit: string): string =>
  `${Math.round(cost.perSecond)} ${unit}/s (${cost.own.toFixed(1)} + ${cost.postgres.toFixed(1)} µs each)`

/** The measures of all rounds. */
export const measuresOf = (
  contenders: ReadonlyArray<string>,
  results: ReadonlyArray<RoundResult>,
  options: Pick<Options, "withInvalid" | "profile">
): ReadonlyArray<Measure> => {
  const ofContender = (name: string) => results.filter(({ contender }) => contender === name)
  const rates = (
    heading: Pick<Measure, "title" | "unit"> & { readonly id: "views" | "forms" | "invalid" }
  ): Measure => ({
    ...heading,
    rows: contenders.map((name) =>
      rateRow(
        name,
        ofContender(name).flatMap((result) => result[heading.id] ?? [])
      )
    )
  })
  const memory: Measure = {
    id: "memory",
    title: "Memory at the top rate of page views",
    unit: "MB",
    rows: contenders.map((name) => ({
      contender: name,
      samples: ofContender(name).map((result) => result.memory)
    }))
  }
  return [
    rates(GrowthTables.views),
    ...(options.profile === undefined ? [rates({ id: "forms", title: "Submissions", unit: "requests/s" })] : []),
    ...(options.profile === undefined && options.withInvalid
      ? [rates({ id: "invalid", title: "Invalid page views (422)", unit: "requests/s" })]
      : []),
    memory
  ]
}

/** Measures all contenders in every round. */
export const measure = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  contenders: ReadonlyArray<Contenders.Contender>,
  options: Options
) {
  const results: Array<RoundResult> = []
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of Statistics.orderOf(contenders, round)) {
      const result = yield* measureOne(testBed, contender, options)
      const parts = [
        describe(result.views, "page views"),
        ...(result.forms === undefined ? [] : [describe(result.forms, "submissions")])
      ]
      console.error(`round ${round + 1}  ${contender.name}: ${parts.join(", ")}`)
      results.push(result)
    }
  }
  return measuresOf(
    contenders.map(({ name }) => name),
    results,
    options
  )
})

/** Measures page views on a database that already holds many, and on an empty one. */
export const measurePrefilled = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  databases: { readonly empty: Edge.Edge; readonly full: Edge.Edge },
  options: Options
) {
  const pair = (["full", "empty"] as const).map((name) => Contenders.ofEdge(testBed, name, databases[name]))
  const costs = new Map(pair.map(({ name }) => [name, [] as Array<Wrk.Cost>]))
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of Statistics.orderOf(pair, round)) {
      const cost = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* TestBed.checkpoint(testBed)
          const port = yield* Ports.free
          const program = yield* contender.serve(port)
          const load = loadFor(contender, "view", { ...options, port })
          yield* Wrk.send(testBed.folder, contender.name, { ...load, seconds: warmUpSeconds })
          return yield* Wrk.measure(testBed, program, contender.name, load)
        })
      )
      console.error(`round ${round + 1}  ${contender.name}: ${describe(cost, "page views")}`)
      costs.get(contender.name)?.push(cost)
    }
  }
  return {
    id: "stored",
    title: `Page views by what is stored (${names.edge})`,
    unit: "requests/s",
    rows: pair.map(({ name }) => rateRow(name, costs.get(name) ?? []))
  } satisfies Measure
})
