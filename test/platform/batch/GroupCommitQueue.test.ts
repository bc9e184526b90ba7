import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as GroupCommit from "../../../src/platform/batch/GroupCommit.ts"
import { collectGarbage } from "../../support/Garbage.ts"

const Step = Schema.Union([Schema.Literal("take"), Schema.Int])

/** A weight of 0 to 9. */
const weightOf = (step: number): number => Math.abs(step % 10)

describe("platform/batch/GroupCommit: the queue", () => {
  it.prop(
    "returns accepted items in order, never exceeds maxItems, and exceeds maxWeight only if nothing else in the queue has weight",
    [Schema.Array(Step), Schema.Int, Schema.Int],
    ([steps, items, weight]) => {
      const bounds = { maxItems: Math.abs(items % 6), maxWeight: Math.abs(weight % 20) }
      const queue = GroupCommit.makeQueue<{ readonly weight: number; readonly id: number }>(bounds)
      let model: ReadonlyArray<{ readonly weight: number; readonly id: number }> = []
      for (const [id, step] of steps.entries()) {
        if (step === "take") {
          assert.deepStrictEqual(queue.take(), model[0])
          model = model.slice(1)
        } else {
          const item = { weight: weightOf(step), id }
          const total = model.reduce((sum, each) => sum + each.weight, 0)
          const fits = model.length < bounds.maxItems && (total === 0 || total + item.weight <= bounds.maxWeight)
          assert.strictEqual(queue.offer(item), fits)
          if (fits) model = [...model, item]
        }
        assert.strictEqual(queue.size(), model.length)
        assert.deepStrictEqual(queue.oldest(), model[0])
      }
    }
  )

  it("compaction neither loses nor repeats an item", () => {
    const queue = GroupCommit.makeQueue<{ readonly weight: number; readonly id: number }>({
      maxItems: 20_000,
      maxWeight: Number.POSITIVE_INFINITY
    })
    const total = 30_000
    const taken: Array<number | undefined> = []
    let next = 0
    // Three items are offered for every two that are taken, so that the queue holds items whenever it compacts its array.
    while (taken.length < total) {
      for (let i = 0; i < 3 && next < total && queue.size() < 15_000; i++) queue.offer({ weight: 1, id: next++ })
      for (let i = 0; i < 2 && queue.size() > 0; i++) taken.push(queue.take()?.id)
    }
    assert.deepStrictEqual(
      taken,
      Array.from({ length: total }, (_, id) => id)
    )
    assert.isUndefined(queue.oldest())
  })

  it("does not retain an item that was taken", async () => {
    const queue = GroupCommit.makeQueue<{ readonly weight: number }>({ maxItems: 2, maxWeight: 2 })
    const offer = () => {
      const item = { weight: 1 }
      queue.offer(item)
      return new WeakRef(item)
    }
    const [taken, queued] = [offer(), offer()]
    queue.take()
    // A WeakRef keeps its target until the end of the turn that created it.
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    assert.isUndefined(taken.deref())
    assert.isDefined(queued.deref())
    assert.strictEqual(queue.size(), 1)
  })
})
