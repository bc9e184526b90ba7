import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Delivery from "../../src/delivery/Delivery.ts"
import { deliveryStatuses } from "../../src/delivery/Delivery.ts"

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Deliveries = Schema.Array(
  Schema.Struct({
    status: Schema.Literals(deliveryStatuses),
    isUnderWay: Schema.Boolean,
    hasPayload: Schema.Boolean
  })
)

describe("delivery/Replay", () => {
  it.prop(
    "the steps of a replay select each delivery of its status once, oldest first, and read and select a bounded number each",
    [Deliveries, Schema.UndefinedOr(Schema.Literals(deliveryStatuses)), integer(1, 5), integer(1, 9)],
    ([deliveries, status, limit, size]) => {
      const all = deliveries.map(
        (one, index): Delivery.ReplayCandidate => ({
          ...one,
          // Two deliveries have the same time.
          createdAt: Math.floor(index / 2),
          eventId: String(index).padStart(5, "0")
        })
      )
      const selected: Array<string> = []
      let begin = 0
      for (let steps = 0; ; steps++) {
        assert.isAtMost(steps, all.length)
        const window = all.slice(begin, begin + size)
        const { after, eventIds } = Delivery.replayStep(window, status, { limit, size })
        assert.isAtMost(eventIds.length, limit)
        selected.push(...eventIds)
        if (after === null) break
        const place = all.findIndex(({ eventId }) => eventId === after.id)
        assert.isAtLeast(place, begin)
        assert.strictEqual(all[place]?.createdAt, after.time)
        begin = place + 1
      }
      const expected = all.filter(
        (one) =>
          one.hasPayload && !one.isUnderWay && one.status !== "cancelled" && (status ?? one.status) === one.status
      )
      assert.deepStrictEqual(
        selected,
        expected.map(({ eventId }) => eventId)
      )
    }
  )
})
