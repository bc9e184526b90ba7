import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as FairSlots from "../../../src/sites/access/FairSlots.ts"

const Owners = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))).check(
  Schema.isMaxLength(40)
)

describe("sites/access/FairSlots: the queue", () => {
  it.prop("serves an owner again only after all others, and each owner's items in order", [Owners], ([owners]) => {
    const queue = FairSlots.makeQueue<{ readonly owner: number; readonly number: number }>()
    for (const [number, owner] of owners.entries()) queue.add(String(owner), { owner, number })
    assert.strictEqual(queue.size(), owners.length)
    const waiting = owners.map((owner, number) => ({ owner, number }))
    const lastServed = new Map<number, number>()
    for (let turn = 0; waiting.length > 0; turn++) {
      const taken = queue.take()!
      const at = waiting.findIndex(({ owner }) => owner === taken.owner)
      assert.deepStrictEqual(waiting.splice(at, 1), [taken])
      // No waiting owner was served longer ago.
      for (const { owner } of waiting) {
        assert.isAtLeast(lastServed.get(owner) ?? -1, lastServed.get(taken.owner) ?? -1)
      }
      lastServed.set(taken.owner, turn)
    }
    assert.isUndefined(queue.take())
    assert.strictEqual(queue.size(), 0)
  })

  it("does not add an item that its owner already has in the queue", () => {
    const queue = FairSlots.makeQueue<string>()
    queue.add("one", "a")
    queue.add("one", "a")
    assert.strictEqual(queue.size(), 1)
    assert.strictEqual(queue.take(), "a")
    assert.isUndefined(queue.take())
  })
})
