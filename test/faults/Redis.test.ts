import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as InProcessServe from "../support/InProcessServe.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import * as TestRedis from "../support/TestRedis.ts"
import { redisFaults } from "../torture/scenarios/Redis.ts"

TestRedis.describeWithRedis("faults: Redis, under load", () => {
  it.live(
    "down at the start, hung, killed and back, it never costs a 5xx, and the limit holds",
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
