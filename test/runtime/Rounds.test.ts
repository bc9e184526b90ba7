import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger } from "effect"
import { TestClock } from "effect/testing"
import * as Rounds from "../../src/runtime/Rounds.ts"

/** Runs a loop for a minute. Its first rounds end as `ends` says, and later rounds succeed. */
const runLoop = Effect.fnUntraced(function* (ends: ReadonlyArray<Effect.Effect<void, string>>) {
  let rounds = 0
  const lines: Array<string> = []
  const fiber = yield* Effect.suspend(() => ends[rounds++] ?? Effect.void).pipe(
    Rounds.recover("A round failed"),
    Effect.andThen(Effect.sleep("1 second")),
    Effect.forever,
    Effect.provide(Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))])),
    Effect.forkScoped
  )
  yield* TestClock.adjust("1 minute")
  return { fiber, lines, rounds: () => rounds }
})

it.effect("runtime/Rounds: a loop continues after an error, a defect or an interruption within a round", () =>
  Effect.gen(function* () {
    for (const end of [Effect.fail("an error"), Effect.die(new Error("a defect")), Effect.interrupt]) {
      const { lines, rounds } = yield* runLoop([Effect.void, end])
      assert.isAbove(rounds(), 30)
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", /level=WARN.*A round failed/)
    }
  })
)

it.effect("runtime/Rounds: logs only the first of consecutive failures", () =>
  Effect.gen(function* () {
    const defect = Effect.die(new Error("a defect"))
    const { lines } = yield* runLoop([defect, defect, defect, Effect.void, defect, defect])
    assert.lengthOf(lines, 2)
  })
)

it.effect("runtime/Rounds: the interruption of the loop ends it without a log", () =>
  Effect.gen(function* () {
    const { fiber, lines, rounds } = yield* runLoop([])
    const before = rounds()
    yield* Fiber.interrupt(fiber)
    yield* TestClock.adjust("1 minute")
    assert.strictEqual(rounds(), before)
    assert.lengthOf(lines, 0)
  })
)
