import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Slots from "../../../src/platform/limits/Slots.ts"

const Keys = Schema.Array(Schema.Literals(["a", "b", "c"])).check(Schema.isMaxLength(3))
const Work = Schema.Struct({
  limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })),
  keys: Schema.Array(Keys).check(Schema.isMaxLength(20))
})

describe("platform/limits/Slots", () => {
  it.effect.prop(
    "all effects run, and at most the limit of those with a key in common at once",
    [Work],
    ([{ keys, limit }]) =>
      Effect.gen(function* () {
        const inTurn = yield* Slots.makeTurns(limit)
        const running = new Map<string, number>()
        let most = 0
        const count = (names: ReadonlySet<string>, by: number) =>
          Effect.sync(() => {
            for (const name of names) {
              running.set(name, (running.get(name) ?? 0) + by)
              most = Math.max(most, running.get(name) ?? 0)
            }
          })
        yield* Effect.forEach(
          keys,
          (names) => {
            const own = new Set(names)
            return Effect.andThen(count(own, 1), Effect.yieldNow).pipe(
              Effect.andThen(Effect.yieldNow),
              Effect.ensuring(count(own, -1)),
              inTurn(names)
            )
          },
          { concurrency: "unbounded", discard: true }
        )
        const perKey = ["a", "b", "c"].map((name) => keys.filter((names) => names.some((each) => each === name)).length)
        assert.isAtMost(most, limit)
        // With one key each, nothing else holds an effect back.
        if (keys.every((names) => new Set(names).size <= 1)) {
          assert.strictEqual(most, Math.min(limit, Math.max(...perKey)))
        }
      }).pipe(Effect.scoped)
  )
})
