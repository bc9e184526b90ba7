import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Schema } from "effect"
import { decodeRows } from "../../../src/platform/runtime/Rows.ts"

const Rows = Schema.Array(Schema.Struct({ count: Schema.FiniteFromString }))

describe("platform/runtime/Rows.decodeRows", () => {
  it.effect("returns the decoded rows", () =>
    Effect.gen(function* () {
      const rows = yield* Effect.succeed([{ count: "2", other: true }]).pipe(decodeRows(Rows))
      assert.deepStrictEqual(rows, [{ count: 2 }])
    })
  )

  it.effect("rows that do not match the schema are a defect", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Effect.succeed([{ sum: "2" }]).pipe(decodeRows(Rows)))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause) && !Cause.hasFails(exit.cause))
    })
  )

  it.effect("an error of the query is passed on", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(Effect.fail("unreachable").pipe(decodeRows(Rows))), "unreachable")
    })
  )
})
