/**
 * That the files that websites load are bundled again after a failure.
 */
import childProcess from "node:child_process"
import { assert, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import type * as Bundles from "../../src/pages/Bundles.ts"
import { stop } from "../../src/pages/Esbuild.ts"

/** The module in a copy without bundles: other test files of this process may have built some. */
const copy: Effect.Effect<typeof Bundles> = Effect.promise(
  () => import(`${new URL("../../src/pages/Bundles.ts", import.meta.url)}?copy`)
)

it.effect("bundles are built again after a failure, and then kept", () =>
  Effect.gen(function* () {
    const { all, names } = yield* copy
    const outcomes = Effect.promise(all)
    // esbuild is a process of its own, and another test may have left one running.
    yield* Effect.promise(stop)
    const spawn = vi.spyOn(childProcess, "spawn").mockImplementation(() => {
      throw new Error("spawn EAGAIN")
    })
    assert.deepStrictEqual((yield* outcomes).embed, { _tag: "Failed", reason: "spawn EAGAIN" })
    spawn.mockRestore()
    const made = yield* outcomes
    for (const name of names) assert.strictEqual(made[name]._tag, "Made")
    assert.strictEqual(yield* outcomes, made)
  })
)
