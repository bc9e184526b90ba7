/**
 * The time from the start of `serve` to its first response to a page view.
 *
 * @module
 */
import { performance } from "node:perf_hooks"
import { Effect } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as Edge from "./Edge.ts"
import { type Measure, names } from "./Measure.ts"
import type * as TestBed from "./TestBed.ts"

export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, rounds: number) {
  const samples: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const seconds = yield* Effect.scoped(
      Effect.gen(function* () {
        const { startedAt } = yield* Edge.serve(testBed, edge, yield* Ports.free)
        return (performance.now() - startedAt) / 1000
      })
    )
    console.error(`round ${round + 1}  start: ${seconds.toFixed(2)} s`)
    samples.push(seconds)
  }
  return {
    id: "start",
    title: "From the start of `serve` to the first response",
    unit: "s",
    rows: [{ contender: names.edge, samples }]
  } satisfies Measure
})
