/**
 * Rates: page views, submissions and invalid page views, as many as each contender answers.
 *
 * @module
 */
import { Effect } from "effect"
import * as Agreement from "./Agreement.ts"
import * as Contenders from "./Contenders.ts"
import type * as Edge from "./Edge.ts"
import { type Measure, names } from "./Measure.ts"
import * as Numbers from "./Numbers.ts"
import * as Program from "./Program.ts"
import * as Stage from "./Stage.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly rounds: number
  /** How long each load lasts. */
  readonly seconds: number
  readonly connections: number
  /** Whether invalid page views are measured too. */
  readonly invalid: boolean
  /** A folder for the CPU profiles of the service; page views alone are sent then. */
  readonly profile?: string | undefined
}

/** How long page views are sent before anything is measured: Node and Python compile what they run often. */
const warmUpSeconds = 3

/** Sends a load and sees that everything that was answered is stored. */
const stored = Effect.fnUntraced(function* (
  stage: Stage.Stage,
  contender: Contenders.Contender,
  tables: "views" | "forms",
  load: Wrk.Load
) {
  const store = contender.stored
  if (store === undefined) return yield* Wrk.load(stage.folder, contender.name, load)
  const rows = Stage.count(stage, store.database, store[tables])
  const before = yield* rows
  const result = yield* Wrk.load(stage.folder, contender.name, load)
  const added = (yield* rows) - before
  // What was on its way when the warm-up or this load ended is stored as well, and not counted by wrk.
  if (added < result.requests || added > result.requests + 2 * load.connections) {
    return yield* new Program.BenchError({
      message: `${contender.name} answered ${result.requests} requests of the kind ${load.kind} and stored ${added}`
    })
  }
  return result
})

interface Turn {
  readonly contender: string
  readonly views: number
  readonly forms: number | undefined
  readonly invalid: number | undefined
  readonly memory: number
}

/** One contender in one round: a fresh process on empty tables. */
const turn = Effect.fnUntraced(function* (stage: Stage.Stage, contender: Contenders.Contender, options: Options) {
  const store = contender.stored
  if (store !== undefined) {
    yield* Stage.statements(stage, store.database, [`TRUNCATE ${[...store.views, ...store.forms].join(", ")} CASCADE`])
  }
  yield* Stage.checkpoint(stage)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const port = yield* Program.freePort
      const node =
        options.profile === undefined
          ? []
          : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`, "--cpu-prof-interval=500"]
      const program = yield* contender.serve(port, { node })
      const load = (kind: Wrk.Kind, seconds: number): Wrk.Load => ({
        port,
        kind,
        seconds,
        connections: options.connections,
        subject: kind === "form" ? contender.site.websiteConfigId : contender.site.trackingToken
      })
      yield* Agreement.check(contender.name, port, contender.site)
      yield* Wrk.load(stage.folder, contender.name, load("view", warmUpSeconds))
      const [views, memory] = yield* Program.mostMemory(
        program,
        stored(stage, contender, "views", load("view", options.seconds))
      )
      if (options.profile !== undefined) {
        return { contender: contender.name, views: Wrk.perSecond(views), forms: undefined, invalid: undefined, memory }
      }
      const forms = yield* stored(stage, contender, "forms", load("form", options.seconds))
      const invalid = options.invalid
        ? yield* Wrk.load(stage.folder, contender.name, load("invalid", options.seconds))
        : undefined
      return {
        contender: contender.name,
        views: Wrk.perSecond(views),
        forms: Wrk.perSecond(forms),
        invalid: invalid === undefined ? undefined : Wrk.perSecond(invalid),
        memory
      } satisfies Turn
    })
  )
})

/** All contenders in turn, round by round. */
export const measure = Effect.fnUntraced(function* (
  stage: Stage.Stage,
  contenders: ReadonlyArray<Contenders.Contender>,
  options: Options
) {
  const turns: Array<Turn> = []
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of Numbers.orderOf(contenders, round)) {
      const done = yield* turn(stage, contender, options)
      console.error(
        `round ${round + 1}  ${contender.name}: ${Math.round(done.views)} page views/s, ${Math.round(done.forms ?? 0)} submissions/s`
      )
      turns.push(done)
    }
  }
  const rows = (value: (turn: Turn) => number | undefined) =>
    contenders.map(({ name }) => ({
      contender: name,
      samples: turns.filter(({ contender }) => contender === name).flatMap((each) => value(each) ?? [])
    }))
  const measures: ReadonlyArray<Measure> = [
    { id: "views", title: "Page views", unit: "requests/s", rows: rows(({ views }) => views) },
    { id: "forms", title: "Submissions", unit: "requests/s", rows: rows(({ forms }) => forms) },
    ...(options.invalid
      ? [
          {
            id: "invalid",
            title: "Invalid page views (422)",
            unit: "requests/s",
            rows: rows(({ invalid }) => invalid)
          } as const
        ]
      : []),
    { id: "memory", title: "Memory at the top rate of page views", unit: "MB", rows: rows(({ memory }) => memory) }
  ]
  return measures
})

/** Page views on a database with many of them stored, beside an empty one. The same process serves neither. */
export const measureStored = Effect.fnUntraced(function* (
  stage: Stage.Stage,
  databases: { readonly empty: Edge.Edge; readonly full: Edge.Edge },
  options: Options
) {
  const pair = (["full", "empty"] as const).map((name) => Contenders.ofEdge(stage, name, databases[name]))
  const samples: Record<string, Array<number>> = { full: [], empty: [] }
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of Numbers.orderOf(pair, round)) {
      const rate = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Stage.checkpoint(stage)
          const port = yield* Program.freePort
          yield* contender.serve(port)
          const load = (seconds: number): Wrk.Load => ({
            port,
            kind: "view",
            seconds,
            connections: options.connections,
            subject: contender.site.trackingToken
          })
          yield* Wrk.load(stage.folder, contender.name, load(warmUpSeconds))
          return Wrk.perSecond(yield* Wrk.load(stage.folder, contender.name, load(options.seconds)))
        })
      )
      console.error(`round ${round + 1}  ${contender.name}: ${Math.round(rate)} page views/s`)
      samples[contender.name]?.push(rate)
    }
  }
  return {
    id: "stored",
    title: `Page views by what is stored (${names.edge})`,
    unit: "requests/s",
    rows: pair.map(({ name }) => ({ contender: name, samples: samples[name] ?? [] }))
  } satisfies Measure
})
