import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as CallerLimits from "../../../src/sites/access/CallerLimits.ts"

const Client = Schema.Literals(["a", "b", "c", "d", "e"])
const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))
const Step = Schema.Struct({ client: Client, wait: Millis, duration: Millis })

describe("sites/access/CallerLimits: lockout", () => {
  it.prop(
    "if the table has room for all clients, a client is locked until the end of its latest lock",
    [Schema.Array(Step)],
    ([steps]) => {
      const lockout = CallerLimits.makeLockout(5)
      const expected = new Map<string, number>()
      let now = 0
      for (const { client, duration, wait } of steps) {
        now += wait
        lockout.lock(client, now + duration)
        expected.set(client, now + duration)
        for (const name of Client.literals) {
          assert.strictEqual(lockout.remaining(name, now), Math.max(0, (expected.get(name) ?? 0) - now))
        }
      }
    }
  )

  it("a full table evicts the client whose latest lock is the oldest", () => {
    const lockout = CallerLimits.makeLockout(2)
    lockout.lock("a", 10)
    lockout.lock("b", 10)
    lockout.lock("a", 20)
    lockout.lock("c", 10)
    assert.deepStrictEqual(
      ["a", "b", "c"].map((client) => lockout.remaining(client, 0)),
      [20, 0, 10]
    )
  })
})
