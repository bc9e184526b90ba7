/**
 * Two revisions of the service in the same run. Both are up at the same time, and short loads alternate between them, so that
 * each pair of loads sees the same machine.
 *
 * @module
 */
import { Effect } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as ChatFixture from "./ChatFixture.ts"
import * as Comparison from "./Comparison.ts"
import * as Contenders from "./Contenders.ts"
import * as ContractCheck from "./ContractCheck.ts"
import type * as Edge from "./Edge.ts"
import type * as Program from "./Program.ts"
import * as Rates from "./Rates.ts"
import type * as TestBed from "./TestBed.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly endpoints: ReadonlyArray<Comparison.Endpoint>
  /** How many times both revisions are restarted, since two processes of one revision may differ. */
  readonly rounds: number
  /** The duration of one load. */
  readonly seconds: number
  readonly connections: number
}

/** The number of loads that each revision gets for each endpoint of a round. */
const pairsPerRound = 6

const warmUpSeconds = 2

const requests: Record<Comparison.Endpoint, string> = {
  views: "page view",
  events: "event",
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
  const port = yield* Ports.free
  const program = yield* side.contender.serve(port)
  yield* ContractCheck.run(side.contender.name, port, side.contender.site)
  yield* ChatFixture.verify(side.contender.name, port, side.chat)
  return { ...side, port, program } satisfies Running
})

const kinds = { views: "view", events: "event", forms: "form" } as const

const loadOf = (endpoint: Comparison.Endpoint, side: Running, options: Options): Wrk.Load => {
  const { connections, seconds } = options
  const { port } = side
  return endpoint === "chat"
    ? ChatFixture.loadOf(side.chat, 1, { port, seconds, connections: Math.min(connections, 32) })
    : Rates.loadFor(side.contender, kinds[endpoint], { port, seconds, connections })
}

/** Alternates loads of one endpoint between both revisions. Page views, events and submissions must all be stored. */
const measureEndpoint = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  endpoint: Comparison.Endpoint,
  sides: { readonly current: Running; readonly baseline: Running },
  options: Options
) {
  const { baseline, current } = sides
  const both = [current, baseline]
  for (const side of both) {
    yield* Wrk.send(testBed.folder, side.contender.name, { ...loadOf(endpoint, side, options), seconds: warmUpSeconds })
  }
  const countStored = Effect.forEach(both, ({ contender }) =>
    endpoint === "chat" ? Effect.succeed(0) : Rates.countStored(testBed, contender, endpoint)
  )
  const before = yield* countStored
  const measure = (side: Running) =>
    Wrk.measure(testBed, side.program, side.contender.name, loadOf(endpoint, side, options))
  const pairs: Array<Comparison.Pair> = []
  for (let pair = 0; pair < pairsPerRound; pair++) {
    // Each revision comes first in every second pair.
    pairs.push(
      pair % 2 === 0
        ? yield* Effect.all({ current: measure(current), baseline: measure(baseline) })
        : yield* Effect.all({ baseline: measure(baseline), current: measure(current) })
    )
  }
  const after = yield* countStored
  if (endpoint !== "chat") {
    for (const [index, name] of (["current", "baseline"] as const).entries()) {
      yield* Rates.requireStored(sides[name].contender, {
        answered: pairs.reduce((sum, pair) => sum + pair[name].requests, 0),
        stored: after[index]! - before[index]!,
        uncounted: (pairsPerRound + 1) * options.connections
      })
    }
  }
  return pairs
})

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
              const measured = yield* measureEndpoint(testBed, endpoint, { current, baseline }, options)
              const { ratio } = Comparison.judge(measured)
              console.error(
                `round ${round + 1}  ${requests[endpoint]}: ${ratio.toFixed(3)} times the processor time of the baseline`
              )
              pairs.get(endpoint)?.push(...measured)
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
