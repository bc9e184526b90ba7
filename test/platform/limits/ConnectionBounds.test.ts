import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ConnectionBounds from "../../../src/platform/limits/ConnectionBounds.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("platform/limits/ConnectionBounds", () => {
  it.prop(
    "the total leaves a second descriptor for each connection, and descriptors for the database",
    [between(1, 1_000_000), between(0, 1_000)],
    ([descriptors, database]) => {
      const total = ConnectionBounds.totalOf(descriptors, database)
      assert.isAtLeast(total, 1)
      if (total > 1) assert.isAtMost(2 * total + database + 64, descriptors)
    }
  )

  it.prop(
    "the workers' shares are the smallest equal shares that add up to at least the bound",
    [between(1, 1_000), between(1, 64)],
    ([bound, n]) => {
      const share = ConnectionBounds.perWorker(bound, n)
      assert.isAtLeast(share * n, bound)
      assert.isBelow((share - 1) * n, bound)
    }
  )
})
