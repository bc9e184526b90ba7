import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Load from "../../scripts/torture/Load.ts"
import * as Kills from "../../scripts/torture/scenarios/Kills.ts"

describe("faults: kill -9 under load", () => {
  it.live(
    "of demo and its PostgreSQL loses no acknowledged request",
    () =>
      Effect.map(Kills.demo({ rounds: 2, requestsPerKill: 200, ...Load.moderate }), (figures) => {
        assert.isAbove(figures.acknowledged, 400)
      }),
    120_000
  )
})
