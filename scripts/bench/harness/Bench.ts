/**
 * One run of the bench, from its options to its report.
 *
 * @module
 */
import { readdir, readFile, writeFile } from "node:fs/promises"
import path from "node:path"
import { Effect, Option } from "effect"
import * as TestTime from "../../../test/support/TestTime.ts"
import * as Capacity from "./Capacity.ts"
import * as Chart from "./Chart.ts"
import * as Chat from "./Chat.ts"
import * as ChatStreams from "./ChatStreams.ts"
import * as Comparison from "./Comparison.ts"
import * as ConsoleView from "./ConsoleView.ts"
import * as Contenders from "./Contenders.ts"
import * as DayReports from "./DayReports.ts"
import * as Edge from "./Edge.ts"
import * as Interleaved from "./Interleaved.ts"
import * as Latency from "./Latency.ts"
import * as Machine from "./Machine.ts"
import { goals, type Measure, names } from "./Measure.ts"
import type { Options, Part } from "./Options.ts"
import * as PrefilledDatabase from "./PrefilledDatabase.ts"
import * as ProcessorTime from "./ProcessorTime.ts"
import * as Profile from "./Profile.ts"
import * as Program from "./Program.ts"
import * as Rates from "./Rates.ts"
import * as Reports from "./Reports.ts"
import * as Revision from "./Revision.ts"
import * as StartTime from "./StartTime.ts"
import * as Statistics from "./Statistics.ts"
import * as Stores from "./Stores.ts"
import * as Table from "./Table.ts"
import * as TestBed from "./TestBed.ts"
import * as WebhookCost from "./WebhookCost.ts"
import * as Websites from "./Websites.ts"
import * as Workers from "./Workers.ts"

const root = path.resolve(import.meta.dirname, "../../..")
const home = path.join(root, "scripts/bench")

/** The ids of the measures in the chart. */
const charted = ["views", "forms", "tokens"]

/** The number of open streams in the goal. */
const streams = 10_000

/** The measures of a part. */
type Measured = readonly [part: Part, measures: ReadonlyArray<Measure>]

/** What was measured of a part, as Markdown. No goal compares the measures of two parts. */
const report = (measures: ReadonlyArray<Measure>, options: Options): string => {
  const judged = goals(measures)
  return [
    `${new Date(TestTime.ofMachine()).toISOString().slice(0, 10)}; ${Machine.describe()}; ${options.rounds} rounds of ${options.seconds} seconds, ` +
      `${options.connections} connections.`,
    ...(judged.length === 0 ? [] : [Table.ofGoals(judged)]),
    ...measures.map(Table.ofMeasure)
  ].join("\n\n")
}

/** Writes the report of each part to its section of the README, and draws the chart beside it if all of its measures are there. */
const write = (measured: ReadonlyArray<Measured>, options: Options) =>
  Effect.tryPromise({
    try: async () => {
      const file = path.join(home, "README.md")
      let text = await readFile(file, "utf8")
      for (const [part, measures] of measured) {
        const changed = Table.replaceSection(text, part, report(measures, options))
        if (changed === undefined) throw new Error(`README.md has no section of the part ${part}`)
        text = changed
      }
      await writeFile(file, text)
      const shown = charted.flatMap((id) => measured.flatMap(([, measures]) => measures.filter((one) => one.id === id)))
      if (shown.length === charted.length) await writeFile(path.join(home, "results.svg"), Chart.draw(shown))
    },
    catch: (cause) => new Program.BenchError({ message: `The report was not written: ${cause}` })
  })

/** Prints where the time went in each profile of a folder. */
const reportProfiles = (folder: string) =>
  Effect.promise(async () => {
    for (const name of (await readdir(folder)).filter((name) => name.endsWith(".cpuprofile"))) {
      const times = Profile.selfTimes(await readFile(path.join(folder, name), "utf8"))
      if (Option.isNone(times)) continue
      console.log(
        `${name}\n\n${Profile.report(times.value, 40)}\n\n${Profile.report(Profile.byFile(times.value), 25)}\n`
      )
    }
  })

/** The top rate of page views of a contender. */
const topRate = (measures: ReadonlyArray<Measure>, contender: string): number =>
  Statistics.median(
    measures.find(({ id }) => id === "views")?.rows.find((row) => row.contender === contender)?.samples ?? []
  )

const measureRates = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  const contenders = yield* Contenders.all(testBed, edge)
  const rates = yield* Rates.measure(testBed, contenders, { ...options, withInvalid: !options.quick })
  const top = { own: topRate(rates, names.edge), peer: topRate(rates, names.fastify) }
  const hasLatency = options.parts.includes("latency") && top.own > 0 && top.peer > 0
  const latency = hasLatency ? yield* Latency.measure(testBed, contenders, top, options) : []
  const measured: ReadonlyArray<Measured> = [
    ["rates", rates],
    ["latency", latency]
  ]
  return measured.filter(([part, measures]) => options.parts.includes(part) && measures.length > 0)
})

const measureParts = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  const includes = (part: Part) => options.parts.includes(part)
  // A copy for the other parts, without the page views of the rates and the latencies.
  const fresh = yield* Edge.copy(testBed, edge, "bench_fresh")
  const measured: Array<Measured> = []
  if (includes("rates") || includes("latency")) measured.push(...(yield* measureRates(testBed, edge, options)))
  if (includes("start"))
    measured.push(["start", [yield* StartTime.measure(testBed, fresh, Math.max(5, options.rounds))]])
  if (includes("chat")) measured.push(["chat", yield* Chat.measure(testBed, fresh, options)])
  if (includes("streams")) measured.push(["streams", yield* ChatStreams.measure(testBed, fresh, streams)])
  if (includes("stored")) {
    yield* TestBed.runStatements(testBed, fresh.database, ["TRUNCATE page_view, bot_view"])
    const full = yield* PrefilledDatabase.fill(testBed, fresh, options.stored)
    measured.push([
      "stored",
      [yield* Rates.measurePrefilled(testBed, { empty: fresh, full }, { ...options, withInvalid: false })]
    ])
  }
  if (includes("reports")) measured.push(["reports", yield* Reports.measure(testBed, fresh, options)])
  if (includes("day")) measured.push(["day", yield* DayReports.measure(testBed, fresh, options)])
  if (includes("console")) measured.push(["console", yield* ConsoleView.measure(testBed, fresh, options)])
  if (includes("stores")) measured.push(["stores", yield* Stores.measure(testBed, fresh, options)])
  if (includes("workers")) measured.push(["workers", [yield* Workers.measure(testBed, fresh, options)]])
  if (includes("capacity")) measured.push(["capacity", yield* Capacity.measure(testBed, fresh, options)])
  if (includes("webhooks")) measured.push(["webhooks", yield* WebhookCost.measure(2 * options.rounds)])
  if (includes("websites")) {
    const { against } = options
    const baseline =
      against === undefined
        ? []
        : [
            {
              name: against,
              edge: yield* Edge.prepare(
                testBed,
                yield* Revision.exportTo(testBed.folder, root, against),
                "bench_baseline"
              )
            }
          ]
    const revisions = [{ name: names.edge, edge: fresh }, ...baseline]
    measured.push(["websites", yield* Websites.measure(testBed, revisions, options)])
  }
  return measured
})

/** Returns a function that computes how many cores other programs used on average since this call. */
const watchOtherPrograms = () => {
  const now = () => ({
    machine: ProcessorTime.readMachine(),
    own: ProcessorTime.read(process.pid),
    at: performance.now()
  })
  const before = now()
  return (): number => {
    const after = now()
    const others = after.machine - before.machine - (after.own - before.own)
    return Math.max(0, others) / 1000 / (after.at - before.at)
  }
}

/** Compares this checkout with a revision, each on a database that it migrated. Fails if an endpoint costs more than there. */
const compare = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  current: Edge.Edge,
  revision: string,
  options: Options
) {
  const exported = yield* Revision.exportTo(testBed.folder, root, revision)
  const baseline = yield* Edge.prepare(testBed, exported, "bench_baseline")
  const readOtherPrograms = watchOtherPrograms()
  const measured = yield* Interleaved.measure(testBed, { current, baseline }, options)
  const others = readOtherPrograms()
  const { costsMore, text } = Comparison.report(measured, { current: "this checkout", baseline: revision })
  console.log(text)
  if (others > 0.1) {
    console.log(
      `\nOther programs used ${others.toFixed(1)} cores meanwhile. Processor times are higher and vary more than on a quiet machine.`
    )
  }
  if (costsMore) return yield* new Program.BenchError({ message: `requests cost more than at ${revision}.` })
})

/** Runs everything that the options ask for and prints the report. All programs have ended when it returns. */
export const run = (options: Options) =>
  Effect.scoped(
    Effect.gen(function* () {
      const testBed = yield* TestBed.make(options.data)
      yield* TestBed.dropDatabases(testBed, ["bench_edge", "bench_fresh"])
      const edge = yield* Edge.prepare(testBed, root, "bench_edge")
      if (options.against !== undefined && options.quick) return yield* compare(testBed, edge, options.against, options)
      const { profile } = options
      const measured: ReadonlyArray<Measured> =
        profile === undefined
          ? yield* measureParts(testBed, edge, options)
          : [
              [
                "rates",
                yield* Rates.measure(testBed, [Contenders.ofEdge(testBed, names.edge, edge)], {
                  ...options,
                  withInvalid: false
                })
              ]
            ]
      if (profile !== undefined) yield* reportProfiles(profile)
      for (const [part, measures] of measured) console.log(`${part}: ${report(measures, options)}\n`)
      if (options.write) yield* write(measured, options)
    })
  )
