import { assert, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import { render } from "../../../src/core/Metrics.ts"
import * as MemoryMetrics from "../../../src/memory/Metrics.ts"
import * as BatchMetrics from "../../../src/postgres/batch/BatchMetrics.ts"
import * as GroupCommit from "../../../src/postgres/batch/GroupCommit.ts"
import { Metrics } from "../../../src/services/Metrics.ts"
import { RecordRefused, StorageUnavailable } from "../../../src/services/Storage.ts"

it.effect("batches are measured: their sizes, their times by what came of them, and what waits", () =>
  Effect.gen(function* () {
    const metrics = MemoryMetrics.make()
    let away = true
    const { submit } = yield* GroupCommit.make<string, string, never>({
      flush: (items) =>
        Effect.gen(function* () {
          yield* Effect.sleep("30 millis")
          if (away) return yield* new StorageUnavailable({ reason: "unreachable" })
          if (items.includes("bad")) return yield* new RecordRefused({})
          return items.map((item) => Result.succeed(item))
        }),
      timeout: "10 seconds",
      maxQueue: 100,
      maxBatch: 10,
      observer: yield* Effect.provideService(BatchMetrics.observer("page-views"), Metrics, metrics)
    })
    const shown = (sample: string) =>
      render(metrics.snapshot())
        .split("\n")
        .find((line) => line.startsWith(`${sample} `))
        ?.slice(sample.length + 1)

    const first = yield* Effect.forkChild(submit("first"), { startImmediately: true })
    yield* TestClock.adjust(1)
    const others = yield* Effect.forkChild(
      Effect.forEach(["a", "bad", "b"], (item) => Effect.exit(submit(item)), { concurrency: "unbounded" }),
      { startImmediately: true }
    )
    yield* TestClock.adjust(1)
    assert.strictEqual(shown('hydracore_batch_queue{kind="page-views"}'), "3")
    yield* TestClock.adjust(30)
    away = false
    yield* TestClock.adjust(1_000)
    assert.isDefined(first.pollUnsafe())
    assert.isDefined(others.pollUnsafe())

    assert.strictEqual(shown('hydracore_batch_queue{kind="page-views"}'), "0")
    const times = (outcome: string) =>
      shown(`hydracore_batch_duration_seconds_count{kind="page-views",outcome="${outcome}"}`)
    // Away, then stored; then three together, refused, and halved until the bad one stands alone.
    assert.deepStrictEqual(["unavailable", "stored", "refused", "abandoned", "died"].map(times), [
      "1",
      "3",
      "3",
      "0",
      "0"
    ])
    assert.strictEqual(shown('hydracore_batch_size_sum{kind="page-views"}'), String(1 + 1 + 3 + 1 + 2 + 1 + 1))
    assert.strictEqual(shown('hydracore_batch_duration_seconds_sum{kind="page-views",outcome="unavailable"}'), "0.03")
  }).pipe(Effect.scoped)
)
