import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Change, revert } from "../../../src/browser/console/inbox/Change.ts"

const AnyChange = Schema.Struct({
  isRead: Schema.optionalKey(Schema.Boolean),
  isReleased: Schema.optionalKey(Schema.Literal(true)),
  isDeleted: Schema.optionalKey(Schema.Literal(true))
})

describe("browser/console/inbox/Change", () => {
  it.prop("reverting a failed change gives what was before it", [AnyChange, AnyChange], ([before, failed]) => {
    assert.deepStrictEqual(revert({ ...before, ...failed }, failed, before), before)
  })

  it.prop(
    "reverting a failed change keeps a later change of other members, or to other values",
    [AnyChange, AnyChange, AnyChange],
    ([before, failed, later]) => {
      const reverted = revert({ ...before, ...failed, ...later }, failed, before)
      const members = Object.keys(later) as ReadonlyArray<keyof Change>
      for (const member of members.filter((member) => later[member] !== failed[member])) {
        assert.strictEqual(reverted[member], later[member])
      }
    }
  )

  it("a deleted submission stays hidden if an earlier request to mark it as read fails", () => {
    assert.deepStrictEqual(revert({ isRead: true, isDeleted: true }, { isRead: true }, {}), { isDeleted: true })
  })
})
