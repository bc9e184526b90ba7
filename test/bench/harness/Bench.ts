/**
 * One run of the bench, from its options to its report.
 *
 * @module
 */
import { readdir, readFile, writeFile } from "node:fs/promises"
import path from "node:path"
import { Effect, Option } from "effect"
import * as Against from "./Against.ts"
import * as Capacity from "./Capacity.ts"
import * as Chat from "./Chat.ts"
import * as Contenders from "./Contenders.ts"
import * as Edge from "./Edge.ts"
import * as Latency from "./Latency.ts"
import * as Machine from "./Machine.ts"
import { goals, type Measure, names, regressions } from "./Measure.ts"
import * as Numbers from "./Numbers.ts"
import type { Options } from "./Options.ts"
import * as Picture from "./Picture.ts"
import * as Profile from "./Profile.ts"
import * as Program from "./Program.ts"
import * as Rates from "./Rates.ts"
import * as Stage from "./Stage.ts"
import * as Start from "./Start.ts"
import * as Stored from "./Stored.ts"
import * as Table from "./Table.ts"
import * as Workers from "./Workers.ts"

const root = path.resolve(import.meta.dirname, "../../..")
const home = path.join(root, "test/bench")

/** What the picture shows. */
const drawn = ["views", "forms", "tokens"]

/** The open streams that the goal names. */
const streams = 10_000

/** The report as Markdown. */
const report = (measures: ReadonlyArray<Measure>, options: Options): string => {
  const judged = goals(measures)
  return [
    `${new Date().toISOString().slice(0, 10)}; ${Machine.describe()}; ${options.rounds} rounds of ${options.seconds} seconds, ` +
      `${options.connections} connections. "times" is the first row against that row, the median of the rounds.`,
    ...(judged.length === 0 || options.against !== undefined ? [] : [Table.ofGoals(judged)]),
    ...measures.map(Table.ofMeasure)
  ].join("\n\n")
}

/** Puts the report in the README and draws the picture beside it. */
const write = (text: string, measures: ReadonlyArray<Measure>) =>
  Effect.tryPromise({
    try: async () => {
      const file = path.join(home, "README.md")
      const changed = Table.between(await readFile(file, "utf8"), "results", text)
      if (changed === undefined) throw new Error("README.md has no marks for the results")
      await writeFile(file, changed)
      const shown = drawn.flatMap((id) => measures.filter((measure) => measure.id === id))
      if (shown.length > 0) await writeFile(path.join(home, "results.svg"), Picture.draw(shown))
    },
    catch: (cause) => new Program.BenchError({ message: `The report was not written: ${cause}` })
  })

/** Says where the time of each profile in a folder went. */
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

/** The checkout beside another commit: each migrates a database of its own. */
const against = Effect.fnUntraced(function* (stage: Stage.Stage, edge: Edge.Edge, ref: string) {
  const other = yield* Against.checkout(stage.folder, root, ref)
  const before = yield* Edge.prepare(stage, other, "bench_against")
  return [Contenders.ofEdge(stage, "this checkout", edge), Contenders.ofEdge(stage, ref, before)]
})

const topOf = (measures: ReadonlyArray<Measure>, contender: string): number =>
  Numbers.median(
    measures.find(({ id }) => id === "views")?.rows.find((row) => row.contender === contender)?.samples ?? []
  )

const measureAll = Effect.fnUntraced(function* (options: Options) {
  const stage = yield* Stage.make
  const edge = yield* Edge.prepare(stage, root, "bench_edge")
  const wants = (part: Options["parts"][number]) => options.parts.includes(part)
  // A prepared, empty copy for what must not find the page views of another part.
  const fresh = yield* Edge.copy(stage, edge, "bench_fresh")
  const measures: Array<Measure> = []

  if (options.profile !== undefined) {
    const profiled = yield* Rates.measure(stage, [Contenders.ofEdge(stage, names.edge, edge)], {
      ...options,
      invalid: false
    })
    yield* reportProfiles(options.profile)
    return profiled
  }
  if (wants("rates") || wants("latency")) {
    const contenders =
      options.against === undefined ? yield* Contenders.all(stage, edge) : yield* against(stage, edge, options.against)
    measures.push(...(yield* Rates.measure(stage, contenders, { ...options, invalid: !options.quick })))
    const top = { own: topOf(measures, names.edge), peer: topOf(measures, names.fastify) }
    if (wants("latency") && top.own > 0 && top.peer > 0) {
      measures.push(...(yield* Latency.measure(stage, contenders, top, options)))
    }
  }
  if (wants("start")) measures.push(yield* Start.measure(stage, fresh, Math.max(5, options.rounds)))
  if (wants("chat")) measures.push(...(yield* Chat.measure(stage, fresh, options)))
  if (wants("streams")) measures.push(...(yield* Chat.measureStreams(stage, fresh, streams)))
  if (wants("stored")) {
    yield* Stage.statements(stage, fresh.database, ["TRUNCATE page_view, bot_view"])
    const full = yield* Stored.fill(stage, fresh, options.stored)
    measures.push(yield* Rates.measureStored(stage, { empty: fresh, full }, { ...options, invalid: false }))
  }
  if (wants("workers")) measures.push(...(yield* Workers.measure(stage, fresh, options)))
  if (wants("capacity")) measures.push(...(yield* Capacity.measure(stage, fresh, options)))
  return measures
})

/** Runs everything that is asked for and says what was found. Whatever it started has ended when it returns. */
export const run = Effect.fnUntraced(function* (options: Options) {
  const measures = yield* Effect.scoped(measureAll(options))
  const text = report(measures, options)
  console.log(text)
  if (options.write) yield* write(text, measures)
  const slower = options.against === undefined ? [] : regressions(measures)
  if (slower.length > 0) return yield* new Program.BenchError({ message: `it is slower. ${slower.join("; ")}` })
})
