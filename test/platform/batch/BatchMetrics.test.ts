import { assert, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Batches from "../../../src/platform/batch/Batches.ts"
import { RecordRefused, StorageUnavailable } from "../../../src/platform/Storage.ts"
import * as TestMetrics from "../../support/TestMetrics.ts"

it.effect("measures batch sizes, durations by outcome and the queue", () => {
  const metrics = TestMetrics.make()
  return Effect.gen(function* () {
    let isUnavailable = true
    const { submit } = yield* Batches.make<string, string, never>("page-views", {
      flush: (items) =>
        Effect.gen(function* () {
          yield* Effect.sleep("30 millis")
          if (isUnavailable) return yield* new StorageUnavailable({ reason: "unreachable" })
          if (items.includes("bad")) return yield* new RecordRefused({})
          return items.map((item) => Result.succeed(item))
        }),
      timeout: "10 seconds",
      maxQueue: 100,
      maxBatch: 10
    })

    const first = yield* Effect.forkChild(submit("first"), { startImmediately: true })
    yield* TestClock.adjust(1)
    const others = yield* Effect.forkChild(
      Effect.forEach(["a", "bad", "b"], (item) => Effect.exit(submit(item)), { concurrency: "unbounded" }),
      { startImmediately: true }
    )
    yield* TestClock.adjust(1)
    assert.strictEqual(metrics.value('batch_queue{kind="page-views"}'), 3)
    yield* TestClock.adjust(30)
    isUnavailable = false
    yield* TestClock.adjust(1_000)
    assert.isDefined(first.pollUnsafe())
    assert.isDefined(others.pollUnsafe())

    assert.strictEqual(metrics.value('batch_queue{kind="page-views"}'), 0)
    const times = (outcome: string) =>
      metrics.value(`batch_duration_seconds_count{kind="page-views",outcome="${outcome}"}`)
    // Unavailable, then stored; then a batch of three, refused and halved until the bad item is isolated.
    assert.deepStrictEqual(["unavailable", "stored", "refused", "abandoned", "died"].map(times), [1, 3, 3, 0, 0])
    assert.strictEqual(metrics.value('batch_size_sum{kind="page-views"}'), 1 + 1 + 3 + 1 + 2 + 1 + 1)
    const unavailable = metrics.value('batch_duration_seconds_sum{kind="page-views",outcome="unavailable"}')
    assert.closeTo(unavailable ?? 0, 0.03, 1e-6)
  }).pipe(Effect.scoped, Effect.provide(metrics.layer))
})
