/**
 * That the console is bundled again after a failure.
 */
import childProcess from "node:child_process"
import { assert, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import type * as ConsoleFiles from "../../src/pages/ConsoleFiles.ts"
import { stop } from "../../src/pages/Esbuild.ts"

/** The module in a copy without files: other test files of this process may have built some. */
const copy: Effect.Effect<typeof ConsoleFiles> = Effect.promise(
  () => import(`${new URL("../../src/pages/ConsoleFiles.ts", import.meta.url)}?copy`)
)

it.effect("the console's files are built again after a failure, and then kept", () =>
  Effect.gen(function* () {
    const { all } = yield* copy
    // esbuild is a process of its own, and another test may have left one running.
    yield* Effect.promise(stop)
    vi.spyOn(childProcess, "spawn").mockImplementationOnce(() => {
      throw new Error("spawn EAGAIN")
    })
    const files = Effect.tryPromise(all)
    assert.strictEqual(String((yield* Effect.flip(files)).cause), "Error: spawn EAGAIN")
    const { first } = yield* files
    assert.isAtLeast(first.length, 2)
    assert.strictEqual((yield* files).first, first)
  })
)
