import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { delays, jitter } from "../../../../src/platform/outward/Schedule.ts"
import * as FailedItems from "../../../../src/platform/rounds/postgres/FailedItems.ts"

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Random = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

describe("platform/rounds/postgres/FailedItems", () => {
  it.prop(
    "an item waits for the delay of deliveries and twelve times its attempt, and is set apart with the tenth failure",
    [integer(0, 12), integer(0, 4e12), integer(0, 3_600_000), Random],
    ([before, now, took, random]) => {
      const { failures, retryAt } = FailedItems.nextFailure(before, now, took, random)
      assert.strictEqual(failures, before + 1)
      assert.strictEqual(retryAt === null, failures >= 10)
      if (retryAt === null) return
      const least = Math.max(delays[before] ?? Number.NaN, 12 * took)
      assert.isAtLeast(retryAt, now + least)
      assert.isAtMost(retryAt, now + least * (1 + jitter) + 1)
    }
  )

  it.prop(
    "an item is tried from its time on, and never once it is set apart",
    [integer(0, 12), integer(0, 4e12), integer(0, 1e9), Random],
    ([before, now, later, random]) => {
      const failure = FailedItems.nextFailure(before, now, 0, random)
      assert.isFalse(FailedItems.isDue(failure, now))
      assert.strictEqual(
        FailedItems.isDue(failure, now + later),
        failure.retryAt !== null && later >= failure.retryAt - now
      )
    }
  )
})
