import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Slots from "../../../src/platform/limits/Slots.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Opens a slot for one of three addresses and one of two instances, or releases an earlier one, possibly again. */
const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Open"), address: between(0, 2), instance: between(0, 1) }),
  Schema.Struct({ _tag: Schema.Literal("Release"), which: between(0, 30) })
])

describe("platform/limits/Slots", () => {
  it.prop(
    "opens a slot if and only if no limit is reached, and frees a released slot once",
    [Schema.Array(Step).check(Schema.isMaxLength(60)), between(1, 3), between(1, 5)],
    ([steps, perAddress, perInstance]) => {
      const slots = Slots.make()
      const opened: Array<{ readonly keys: ReadonlyArray<string>; readonly release: () => void; open: boolean }> = []
      const countOf = (key: string) => opened.filter(({ keys, open }) => open && keys.includes(key)).length
      for (const step of steps) {
        if (step._tag === "Release") {
          const slot = opened[step.which]
          slot?.release()
          if (slot !== undefined) slot.open = false
        } else {
          const keys = [`address ${step.address}`, `instance ${step.instance}`] as const
          const expected =
            countOf(keys[0]) >= perAddress ? "address" : countOf(keys[1]) >= perInstance ? "instance" : undefined
          const attempt = slots.open([
            { name: "address", key: keys[0], limit: perAddress },
            { name: "instance", key: keys[1], limit: perInstance }
          ])
          if (attempt._tag === "Opened") {
            assert.isUndefined(expected)
            opened.push({ keys, release: attempt.release, open: true })
          } else {
            assert.strictEqual(attempt.name, expected)
          }
        }
        const keys = new Set(opened.flatMap(({ keys, open }) => (open ? keys : [])))
        // Keys without open slots are dropped.
        assert.strictEqual(slots.size(), keys.size)
        for (const key of keys) assert.strictEqual(slots.count(key), countOf(key))
      }
      for (const { release } of opened) release()
      assert.strictEqual(slots.size(), 0)
    }
  )
})
