import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Slots from "../../src/delivery/Slots.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))
const Webhook = Schema.Struct({ running: Count, due: Count, isFailing: Schema.Boolean })

/** These webhooks with ids, their due deliveries and running attempts, and the slots that those attempts leave free. */
const situation = (webhooks: ReadonlyArray<typeof Webhook.Type>) => {
  const withIds = webhooks.map((webhook, index) => ({ ...webhook, webhookId: String(index) }))
  const busy = withIds.filter(({ running }) => running > 0)
  return {
    due: withIds.flatMap(({ due, isFailing, webhookId }) =>
      Array.from({ length: due }, (_, index) => ({ webhookId, isFailing, dueAt: (index * 7_919) % 97 }))
    ),
    freeSlots: Slots.freeSlotsOf(busy.map(({ isFailing, running: count }) => ({ count, isFailing }))),
    running: new Map(busy.map(({ running, webhookId }) => [webhookId, running])),
    withIds
  }
}

const countOf = (chosen: ReadonlyArray<Slots.Due>, webhookId: string): number =>
  chosen.filter((delivery) => delivery.webhookId === webhookId).length

describe("delivery/Slots", () => {
  it.prop(
    "no more attempts begin than there are free slots in total, for failing webhooks together, and for each webhook",
    [Schema.Array(Webhook).check(Schema.isMaxLength(20))],
    ([webhooks]) => {
      const { due, withIds, freeSlots, running } = situation(webhooks)
      const chosen = Slots.choose(due, freeSlots, running)
      assert.strictEqual(new Set(chosen).size, chosen.length)
      assert.isTrue(chosen.every((delivery) => due.includes(delivery)))
      assert.isAtMost(chosen.length, freeSlots.free)
      assert.isAtMost(chosen.filter(({ isFailing }) => isFailing).length, freeSlots.freeForFailing)
      for (const { isFailing, webhookId } of withIds) {
        const count = countOf(chosen, webhookId)
        if (count === 0) continue
        assert.isAtMost(count + (running.get(webhookId) ?? 0), isFailing ? freeSlots.perFailing : freeSlots.perHealthy)
      }
    }
  )

  it.prop(
    "of a webhook's due deliveries, those that have been due for the longest time are attempted",
    [Schema.Array(Webhook).check(Schema.isMaxLength(20))],
    ([webhooks]) => {
      const { due, withIds, freeSlots, running } = situation(webhooks)
      const chosen = new Set(Slots.choose(due, freeSlots, running))
      for (const { webhookId } of withIds) {
        const ofWebhook = due.filter((delivery) => delivery.webhookId === webhookId)
        const attempted = ofWebhook.filter((delivery) => chosen.has(delivery)).map(({ dueAt }) => dueAt)
        const others = ofWebhook.filter((delivery) => !chosen.has(delivery)).map(({ dueAt }) => dueAt)
        assert.isAtMost(Math.max(...attempted, Number.NEGATIVE_INFINITY), Math.min(...others, Number.POSITIVE_INFINITY))
      }
    }
  )

  it.prop(
    "the webhooks that wait are those with due deliveries that were not chosen",
    [Schema.Array(Webhook).check(Schema.isMaxLength(20))],
    ([webhooks]) => {
      const { due, withIds, freeSlots, running } = situation(webhooks)
      const chosen = Slots.choose(due, freeSlots, running)
      const waiting = Slots.waiting(due, chosen)
      for (const webhook of withIds) {
        assert.strictEqual(waiting.has(webhook.webhookId), countOf(chosen, webhook.webhookId) < webhook.due)
      }
    }
  )

  it("another webhook gets a slot if the number of hanging webhooks is at most half the number of slots", () => {
    const running = new Map<string, number>()
    const isFailing = false
    // Each new webhook has many due deliveries, whose attempts do not end.
    for (let number = 0; number < Slots.total; number++) {
      const webhookId = String(number)
      const due = Array.from({ length: 40 }, (_, dueAt) => ({ webhookId, isFailing, dueAt }))
      const busy = Array.from(running.values(), (count) => ({ count, isFailing }))
      const chosen = Slots.choose(due, Slots.freeSlotsOf(busy), running)
      if (chosen.length === 0) return assert.isAbove(number, Slots.total / 2)
      running.set(webhookId, chosen.length)
    }
  })

  it("webhooks that fail and hang take no slot from a webhook that works", () => {
    const failing = Array.from({ length: 1_000 }, (_, index) => ({
      webhookId: `failing ${index}`,
      isFailing: true,
      dueAt: index
    }))
    const healthy = { webhookId: "healthy", isFailing: false, dueAt: 2_000 }
    const chosen = Slots.choose(failing, Slots.freeSlotsOf([]), new Map())
    assert.lengthOf(chosen, Slots.totalFailing)
    const running = new Map(chosen.map(({ webhookId }) => [webhookId, 1]))
    const freeSlots = Slots.freeSlotsOf(chosen.map(() => ({ count: 1, isFailing: true })))
    assert.deepStrictEqual(Slots.choose([...failing, healthy], freeSlots, running), [healthy])
  })
})
