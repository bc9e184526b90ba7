/**
 * Two revisions of the service in the same run. Both are up at the same time, and short loads alternate between them, so that
 * each pair of loads sees the same machine.
 *
 * @module
 */
import { Effect } from "effect"
import * as ChatFixture from "./ChatFixture.ts"
import type * as Comparison from "./Comparison.ts"
import * as Contenders from "./Contenders.ts"
import * as ContractCheck from "./ContractCheck.ts"
import type * as Edge from "./Edge.ts"
import * as Program from "./Program.ts"
import * as Rates from "./Rates.ts"
import type * as TestBed from "./TestBed.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly endpoints: ReadonlyArray<Comparison.Endpoint>
  /** How often both revisions are started anew: two processes of one revision may differ as well. */
  readonly rounds: number
  /** The duration of one load. */
  readonly seconds: number
  readonly connections: number
}

/** The number of loads that each revision gets for each endpoint of a round. */
const pairsPerRound = 3

const requests: Record<Comparison.Endpoint, string> = {
  views: "page view",
  forms: "submission",
  chat: `chat of ${ChatFixture.tokensPerChat} tokens`
}

interface Side {
  readonly contender: Contenders.Contender
  readonly chat: ChatFixture.ChatPath
}

interface Running extends Side {
  readonly port: number
  readonly program: Program.Program
}

const start = Effect.fnUntraced(function* (testBed: TestBed.TestBed, side: Side) {
  yield* Rates.reset(testBed, side.contender)
  const port = yield* Program.freePort
  const program = yield* side.contender.serve(port)
  yield* ContractCheck.run(side.contender.name, port, side.contender.site)
  yield* ChatFixture.verify(side.contender.name, port, side.chat)
  return { ...side, port, program } satisfies Running
})

const loadOf = (endpoint: Comparison.Endpoint, side: Running, options: Options): Wrk.Load => {
  const { connections, seconds } = options
  const { port } = side
  return endpoint === "chat"
    ? ChatFixture.loadOf(side.chat, 1, { port, seconds, connections: Math.min(connections, 32) })
    : Rates.loadFor(side.contender, endpoint === "views" ? "view" : "form", { port, seconds, connections })
}

/** One load on one side; page views and submissions must all be stored. */
const measureOne = (testBed: TestBed.TestBed, endpoint: Comparison.Endpoint, side: Running, options: Options) => {
  const { contender, program } = side
  const cost = Wrk.measure(testBed, program, contender.name, loadOf(endpoint, side, options))
  return endpoint === "chat" ? cost : Rates.withStoredRows(testBed, contender, endpoint, 2 * options.connections, cost)
}

/** Measures the endpoints of both revisions. */
export const measure = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  revisions: { readonly current: Edge.Edge; readonly baseline: Edge.Edge },
  options: Options
) {
  const pairs = new Map(options.endpoints.map((endpoint) => [endpoint, [] as Array<Comparison.Pair>]))
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const agent = yield* ChatFixture.startAgent(testBed)
      const prepare = Effect.fnUntraced(function* (name: string, edge: Edge.Edge) {
        const chat = yield* ChatFixture.createWidget(testBed, edge, agent.port)
        return { contender: Contenders.ofEdge(testBed, name, edge), chat } satisfies Side
      })
      const sides = {
        current: yield* prepare("current", revisions.current),
        baseline: yield* prepare("baseline", revisions.baseline)
      }
      for (let round = 0; round < options.rounds; round++) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const current = yield* start(testBed, sides.current)
            const baseline = yield* start(testBed, sides.baseline)
            for (const endpoint of options.endpoints) {
              for (const side of [current, baseline]) {
                yield* Wrk.send(testBed.folder, side.contender.name, {
                  ...loadOf(endpoint, side, options),
                  seconds: 2
                })
              }
              for (let pair = 0; pair < pairsPerRound; pair++) {
                const measureSide = (side: Running) => measureOne(testBed, endpoint, side, options)
                // Each side is first in every second pair.
                const found =
                  (round + pair) % 2 === 0
                    ? yield* Effect.all({ current: measureSide(current), baseline: measureSide(baseline) })
                    : yield* Effect.all({ baseline: measureSide(baseline), current: measureSide(current) })
                pairs.get(endpoint)?.push(found)
                const [now, before] = [found.current, found.baseline].map((cost) => Rates.describe(cost, "requests"))
                console.error(`round ${round + 1}  ${requests[endpoint]}: ${now}, baseline ${before}`)
              }
            }
          })
        )
      }
      return options.endpoints.map(
        (endpoint): Comparison.Measured => ({ request: requests[endpoint], pairs: pairs.get(endpoint) ?? [] })
      )
    })
  )
})
