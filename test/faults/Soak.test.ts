import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { soak } from "../../scripts/torture/scenarios/Soak.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"

const seconds = 4

it.live(
  `faults: ${seconds} seconds of mixed load lose nothing, and release memory and descriptors`,
  () =>
    // A run this short is mostly warm-up; `npm run torture` runs half an hour with stricter limits.
    Effect.map(soak({ database: TestDatabase.url, seconds, memory: [2, 256] }), (figures) => {
      assert.isAbove(figures.requests, 100)
    }),
  300_000
)
