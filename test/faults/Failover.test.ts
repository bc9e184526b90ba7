import { describe, it } from "@effect/vitest"
import * as Load from "../../scripts/torture/Load.ts"
import { failover } from "../../scripts/torture/scenarios/Failover.ts"
import * as InProcessServe from "../support/InProcessServe.ts"

describe("faults: PostgreSQL fails over, under load", () => {
  it.live(
    "no acknowledged row is lost, and the promoted replica is found",
    () => failover({ millis: 300, timeout: 20_000, serve: InProcessServe.start, ...Load.moderate }),
    120_000
  )
})
