import { assert, it } from "@effect/vitest"
import { Effect, References, Result, Tracer } from "effect"
import { TestClock } from "effect/testing"
import * as Batches from "../../../src/platform/batch/Batches.ts"
import { RecordRefused } from "../../../src/platform/Storage.ts"

const options = {
  flush: (items: ReadonlyArray<string>) =>
    Effect.andThen(
      // A statement of the database's client, which must add no span.
      Effect.withSpan(Effect.sleep("10 millis"), "statement"),
      items.includes("bad")
        ? Effect.fail(new RecordRefused({}))
        : Effect.succeed(items.map((item) => Result.succeed(item)))
    ),
  timeout: "10 seconds",
  maxQueue: 100,
  maxBatch: 10
} as const

const parent = (id: number, sampled = true) =>
  Tracer.externalSpan({ traceId: String(id).repeat(32), spanId: String(id).repeat(16), sampled })

it.effect(
  "a batch with sampled requests has one span: a child of the first of these requests, with links to the rest of them",
  () => {
    const spans: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (spanOptions) => {
        const span = new Tracer.NativeSpan(spanOptions)
        spans.push(span)
        return span
      }
    })
    return Effect.gen(function* () {
      const { submit } = yield* Batches.make<string, string, never>("page-views", options, { traced: true })
      const store = (...items: ReadonlyArray<readonly [item: string, span: Tracer.AnySpan | undefined]>) =>
        Effect.gen(function* () {
          yield* Effect.forkChild(
            Effect.forEach(
              items,
              ([item, span]) =>
                Effect.exit(
                  span === undefined ? submit(item) : Effect.provideService(submit(item), Tracer.ParentSpan, span)
                ),
              { concurrency: "unbounded" }
            ),
            { startImmediately: true }
          )
          yield* TestClock.adjust("1 second")
        })

      yield* store(["a", undefined], ["b", parent(1, false)])
      assert.isEmpty(spans)

      yield* store(["a", undefined], ["b", parent(2)], ["c", parent(3, false)], ["d", parent(4)])
      assert.lengthOf(spans, 1)
      const [span] = spans
      assert.strictEqual(span?.name, "batch page-views")
      assert.strictEqual(span?.traceId, parent(2).traceId)
      assert.deepStrictEqual(
        span?.links.map((link) => link.span.traceId),
        [parent(4).traceId]
      )
      assert.deepStrictEqual(span?.attributes.get("batch.size"), 4)
      assert.isTrue(span?.status._tag === "Ended" && span.status.exit._tag === "Success")

      yield* store(["bad", parent(5)])
      const last = spans.at(-1)
      assert.isTrue(last?.status._tag === "Ended" && last.status.exit._tag === "Failure")
    }).pipe(
      Effect.scoped,
      Effect.provideService(Tracer.Tracer, tracer),
      Effect.provideService(References.TracerEnabled, false)
    )
  }
)
