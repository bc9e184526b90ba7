import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import * as OwnerSubmissionsHttp from "../../src/forms/OwnerSubmissionsHttp.ts"

const Sizes = Schema.Array(Schema.Literals([0, 1, 5_000, 10_000, 16_384, 500_000]))

describe("forms/OwnerSubmissionsHttp", () => {
  it.effect.prop(
    "maps every element in order, and other fibers run whenever the elements reach the size of a burst",
    [Sizes],
    ([some]) =>
      Effect.gen(function* () {
        const sizes = some.flatMap((size) => [size, size, size])
        let mapped: ReadonlyArray<number> = []
        /** The number of mapped elements at each turn of the other fiber. */
        const counts: Array<number> = [0]
        // `forever` yields after each repetition.
        const other = Effect.forever(Effect.sync(() => void counts.push(mapped.length)))
        yield* Effect.forkChild(other, { startImmediately: true })
        const results = yield* Stream.fromArray(sizes).pipe(
          OwnerSubmissionsHttp.mapPaced(
            (size) => size,
            (size) => {
              mapped = [...mapped, size]
              return size + 1
            }
          ),
          Stream.runCollect
        )
        assert.deepStrictEqual(
          [...results],
          sizes.map((size) => size + 1)
        )
        counts.push(mapped.length)
        for (const [index, end] of counts.entries()) {
          const atOnce = mapped.slice(counts[index - 1] ?? 0, end)
          const before = atOnce.slice(0, -1).reduce((sum, size) => sum + size, 0)
          assert.isBelow(before, OwnerSubmissionsHttp.burst)
        }
      })
  )
})
