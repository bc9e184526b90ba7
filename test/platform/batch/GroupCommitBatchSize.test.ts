import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as GroupCommit from "../../../src/platform/batch/GroupCommit.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))

describe("platform/batch/GroupCommit: the size of a batch", () => {
  it.prop("takes at least one waiting item if there is one, and at most all", [Count, Count], ([previous, waiting]) => {
    const taken = GroupCommit.batchSize(previous, waiting)
    assert.isTrue(Number.isInteger(taken) && taken <= waiting && taken >= Math.min(1, waiting))
  })

  it.prop("takes all waiting items if they are at most `maxUnsplit`", [Count, Count], ([previous, count]) => {
    const few = count % (GroupCommit.maxUnsplit + 1)
    assert.strictEqual(GroupCommit.batchSize(previous, few), few)
  })

  it.prop("takes all waiting items if they are no more than the last batch", [Count, Count], ([a, b]) => {
    assert.strictEqual(GroupCommit.batchSize(Math.max(a, b), Math.min(a, b)), Math.min(a, b))
  })

  it.prop("clients that send again immediately form two equal groups after two batches", [Count, Count], ([a, b]) => {
    const clients = 2 * GroupCommit.maxUnsplit + Math.max(a, b)
    let inFlight = Math.min(a, b)
    for (let batch = 0; batch < 2; batch++) inFlight = GroupCommit.batchSize(inFlight, clients - inFlight)
    assert.approximately(inFlight, clients / 2, 0.5)
  })

  it.prop("a backlog without new items is taken in three batches at most", [Count], ([backlog]) => {
    let previous = 0
    let waiting = backlog
    let batches = 0
    while (waiting > 0) {
      previous = GroupCommit.batchSize(previous, waiting)
      waiting -= previous
      batches++
    }
    assert.isAtMost(batches, 3)
  })
})
