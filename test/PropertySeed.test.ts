/** All property tests of a run draw their values from one seed. */
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const inputs = [Schema.Int, Schema.String]
const pure: Array<ReadonlyArray<unknown>> = []
const effectful: Array<ReadonlyArray<unknown>> = []

it.prop("`it.prop` draws values", inputs, (values) => pure.push(values) > 0)

it.effect.prop("`it.effect.prop` draws values", inputs, (values) => Effect.sync(() => effectful.push(values) > 0))

it("both draw the same values", () => {
  assert.lengthOf(pure, 100)
  assert.deepStrictEqual(pure, effectful)
})
