import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as FairSlots from "../../../src/sites/access/FairSlots.ts"

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))

const Limits = Schema.Struct({
  slots: small(4),
  slotsPerOwner: small(4),
  waiting: small(12),
  waitingPerOwner: small(6)
})

/** A request of an owner, or the end of the waiting or running ticket at an index. */
const Step = Schema.Union([
  Schema.Struct({ owner: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })) }),
  Schema.Struct({ end: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })) })
])

interface Ticket extends FairSlots.Ticket {
  readonly number: number
}

const countOf = (tickets: Iterable<Ticket>, owner: string): number =>
  [...tickets].filter((ticket) => ticket.owner === owner).length

describe("sites/access/FairSlots", () => {
  it.prop(
    "gives free slots to the owners with the fewest, in turn and in each owner's order, within all limits",
    [Limits, Schema.Array(Step).check(Schema.isMaxLength(80))],
    ([limits, steps]) => {
      const slots = FairSlots.make<Ticket>(limits)
      const waiting: Array<Ticket> = []
      const holding: Array<Ticket> = []
      /** When an owner was last served, or began to wait with nothing else waiting. */
      const since = new Map<string, number>()
      for (const [number, step] of steps.entries()) {
        if ("owner" in step) {
          const ticket = { owner: String(step.owner), number }
          const refusal =
            countOf(waiting, ticket.owner) >= limits.waitingPerOwner
              ? "owner"
              : waiting.length >= limits.waiting
                ? "all"
                : null
          assert.strictEqual(slots.request(ticket), refusal)
          if (refusal === null) {
            if (countOf(waiting, ticket.owner) === 0) since.set(ticket.owner, number)
            waiting.push(ticket)
          }
        } else {
          const all = [...waiting, ...holding]
          const ticket = all[step.end % Math.max(1, all.length)]
          if (ticket !== undefined) {
            slots.leave(ticket)
            slots.leave(ticket)
            const list = waiting.includes(ticket) ? waiting : holding
            list.splice(list.indexOf(ticket), 1)
          }
        }
        for (let given = slots.next(); given !== undefined; given = slots.next()) {
          assert.strictEqual(
            given,
            waiting.find(({ owner }) => owner === given?.owner)
          )
          const held = countOf(holding, given.owner)
          assert.isBelow(held, limits.slotsPerOwner)
          for (const { owner } of waiting) {
            assert.isAtLeast(countOf(holding, owner), held)
            if (countOf(holding, owner) === held) assert.isAtLeast(since.get(owner)!, since.get(given.owner)!)
          }
          waiting.splice(waiting.indexOf(given), 1)
          holding.push(given)
          since.set(given.owner, number + (steps.length + holding.length) / 1_000)
        }
        assert.isAtMost(holding.length, limits.slots)
        for (const { owner } of waiting) {
          assert.strictEqual(slots.waitsFor(owner), countOf(holding, owner) > 0 ? "owner" : "all")
          // No slot stays free while a ticket may have it.
          if (countOf(holding, owner) < limits.slotsPerOwner) assert.strictEqual(holding.length, limits.slots)
        }
      }
    }
  )

  it("an owner has one of two slots while another waits, and both while none does", () => {
    const slots = FairSlots.make<Ticket>({ slots: 2, slotsPerOwner: 2, waiting: 100, waitingPerOwner: 50 })
    const served: Array<string> = []
    const run = () => {
      const given = slots.next()
      if (given !== undefined) served.push(given.owner)
      return given
    }
    for (let number = 0; number < 10; number++) slots.request({ owner: "attacker", number })
    const [first, second] = [run()!, run()!]
    for (let number = 0; number < 3; number++) slots.request({ owner: "other", number })
    slots.leave(first)
    // The attacker keeps one slot, and its second one is the other's until the other has nothing left.
    for (let turn = 0; turn < 3; turn++) slots.leave(run()!)
    assert.deepStrictEqual(served, ["attacker", "attacker", "other", "other", "other"])
    assert.strictEqual(run()?.owner, "attacker")
    slots.leave(second)
    assert.strictEqual(run()?.owner, "attacker")
    assert.isUndefined(run())
  })
})
