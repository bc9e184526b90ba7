import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { redisFaults } from "../../scripts/torture/scenarios/Redis.ts"
import * as InProcessServe from "../support/InProcessServe.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import * as TestRedis from "../support/TestRedis.ts"

TestRedis.describeWithRedis("faults: Redis, under load", () => {
  it.live(
    "Redis that is down at the start, hangs, is killed or comes back never causes a 5xx, and the limit holds",
    () =>
      Effect.gen(function* () {
        const figures = yield* redisFaults({
          database: TestDatabase.url,
          redis: yield* TestRedis.make,
          millis: 200,
          serve: InProcessServe.start
        })
        assert.isAbove(figures.refused, 0)
      }).pipe(Effect.scoped),
    120_000
  )
})
