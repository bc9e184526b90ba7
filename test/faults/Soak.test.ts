import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { soak } from "../torture/scenarios/Soak.ts"

const seconds = process.env["CI"] === "true" ? 120 : 15

it.live(
  `faults: ${seconds} seconds of mixed load lose nothing, and give memory and descriptors back`,
  () =>
    // So short a run is warming up for the most of it; `npm run torture` demands more of half an hour.
    Effect.map(soak({ seconds, memory: [2, 256] }), (figures) => {
      assert.isAbove(figures.requests, 100)
    }),
  300_000
)
