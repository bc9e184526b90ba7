import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { pick } from "../../../src/core/cluster/Balance.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))

const Candidates = Schema.Array(Schema.Struct({ free: Schema.Boolean, open: Count, last: Count })).check(
  Schema.isMaxLength(8)
)

describe("core/cluster/Balance", () => {
  it.prop(
    "picks a free one with the fewest, that waited longest among these; none if nobody is free",
    [Candidates],
    ([candidates]) => {
      const picked = pick(candidates)
      const free = candidates.filter((candidate) => candidate.free)
      if (picked === undefined) return assert.deepStrictEqual(free, [])
      assert.include(free, picked)
      for (const { last, open } of free) {
        assert.isTrue(picked.open < open || (picked.open === open && picked.last <= last))
      }
    }
  )

  it.prop(
    "what comes and stays is shared evenly",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })), Count],
    ([workers, rounds]) => {
      const all = Array.from({ length: workers }, () => ({ free: true, open: 0, last: 0 }))
      for (let turn = 1; turn <= workers * rounds; turn++) {
        const worker = pick(all)!
        worker.open++
        worker.last = turn
      }
      for (const { open } of all) assert.strictEqual(open, rounds)
    }
  )
})
