import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { around, type Choice, matching } from "../../src/console/parts/Choices.ts"

const Text = Schema.Literals(["Europe/Oslo", "America/New_York", "Asia/Tokyo", "UTC", "America/Los_Angeles"])
const Typed = Schema.Literals(["", "o", "new", "NEW york", "america", "america los", "utc", "zurich"])
const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 }))

describe("console/parts/Choices", () => {
  it.prop(
    "each further word leaves the same choices or fewer, in their order",
    [Schema.Array(Text), Typed, Typed],
    ([labels, one, other]) => {
      const choices = labels.map((label, at): Choice<string> => [`${at}`, label])
      const found = matching(choices, one)
      assert.deepStrictEqual(
        matching(found, other),
        choices.filter((choice) => matching([choice], `${one} ${other}`).length === 1)
      )
      assert.deepStrictEqual(matching(choices, ""), choices)
    }
  )

  it("words are searched in the label, the note and the terms, without case and accents", () => {
    const zones = [
      ["America/New_York", "America/New York", "UTC-05:00"],
      ["Asia/Tokyo", "Asia/Tokyo", "UTC+09:00"]
    ] as const
    const found = (typed: string) => matching(zones, typed).map(([value]) => value)
    assert.deepStrictEqual(found("new_york"), ["America/New_York"])
    assert.deepStrictEqual(found("YORK america"), ["America/New_York"])
    assert.deepStrictEqual(found("+09"), ["Asia/Tokyo"])
    assert.deepStrictEqual(found("utc+9:00"), ["Asia/Tokyo"])
    assert.deepStrictEqual(found("-5"), ["America/New_York"])
    assert.deepStrictEqual(found("TŌKYŌ"), ["Asia/Tokyo"])
    assert.deepStrictEqual(found("america tokyo"), [])
    assert.lengthOf(matching([["BR", "São Paulo", "", "Brasília"]], "sao brasilia"), 1)
  })

  it.prop(
    "a menu has as many items as it may have, in order, and the current item is among them",
    [Count, Count, Count],
    ([count, at, max]) => {
      const items = Array.from({ length: count }, (_, index) => index)
      const current = at % count
      const shown = around(items, current, max)
      assert.lengthOf(shown, Math.min(count, max))
      assert.include(shown, current)
      assert.deepStrictEqual(shown, items.slice(shown[0], (shown[0] ?? 0) + shown.length))
    }
  )

  it("the current item is in the middle, except near the ends", () => {
    const items = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert.deepStrictEqual(around(items, 5, 4), [3, 4, 5, 6])
    assert.deepStrictEqual(around(items, 1, 4), [0, 1, 2, 3])
    assert.deepStrictEqual(around(items, 9, 4), [6, 7, 8, 9])
  })
})
