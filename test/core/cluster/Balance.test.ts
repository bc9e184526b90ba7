import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { pick } from "../../../src/core/cluster/Balance.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))

const Candidates = Schema.Array(
  Schema.Struct({ isFree: Schema.Boolean, connections: Count, lastAssigned: Count })
).check(Schema.isMaxLength(8))

describe("core/cluster/Balance.pick", () => {
  it.prop(
    "picks the free candidate with the fewest connections, and of several such candidates the one assigned longest ago",
    [Candidates],
    ([candidates]) => {
      const picked = pick(candidates)
      const free = candidates.filter(({ isFree }) => isFree)
      if (picked === undefined) return assert.deepStrictEqual(free, [])
      assert.include(free, picked)
      for (const { connections, lastAssigned } of free) {
        assert.isTrue(
          picked.connections < connections ||
            (picked.connections === connections && picked.lastAssigned <= lastAssigned)
        )
      }
    }
  )

  it.prop(
    "connections that stay open are distributed evenly",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })), Count],
    ([workers, rounds]) => {
      const all = Array.from({ length: workers }, () => ({ isFree: true, connections: 0, lastAssigned: 0 }))
      for (let turn = 1; turn <= workers * rounds; turn++) {
        const worker = pick(all)!
        worker.connections++
        worker.lastAssigned = turn
      }
      for (const { connections } of all) assert.strictEqual(connections, rounds)
    }
  )
})
