import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as Attention from "../../src/activity/Attention.ts"

const Place = Schema.Struct({
  needsAttention: Schema.Boolean,
  time: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999_999_999_999 })),
  id: Schema.Literals(["0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"])
})

describe("a place in the list of websites", () => {
  it.effect.prop("is read as it was written", [Place], ([place]) =>
    Effect.sync(() => assert.deepStrictEqual(Attention.parsePlace(Attention.formatPlace(place)), Option.some(place)))
  )

  it("is not read from another text", () => {
    const id = "0f8fad5b-d9cb-469f-a165-70867728950e"
    for (const text of ["", id, `5.${id}`, `2.5.${id}`, "0.5.x", `0..${id}`, `00.5.${id}`]) {
      assert.deepStrictEqual(Attention.parsePlace(text), Option.none(), text)
    }
  })

  it.effect.prop(
    "comes before all others if its website needs attention, else the older website's",
    [Place, Place],
    ([one, other]) =>
      Effect.sync(() => {
        const order = Attention.order(one, other)
        assert.strictEqual(order, -Attention.order(other, one) + 0)
        if (one.needsAttention !== other.needsAttention) assert.strictEqual(order < 0, one.needsAttention)
        else if (one.time !== other.time) assert.strictEqual(order < 0, one.time < other.time)
      })
  )
})
