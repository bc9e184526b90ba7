/** Properties of the group commit for arbitrary arrivals and arbitrary store failures, on the TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Deferred, Effect, Exit, Fiber, Option, Result, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as GroupCommit from "../../../src/runtime/batch/GroupCommit.ts"
import { RecordRefused, StorageUnavailable } from "../../../src/services/Storage.ts"

const timeout = 1000
const horizon = 4000

/** The store's behaviour for one flush. */
const Fault = Schema.Literals([
  "store",
  "store",
  "store slowly",
  "lose the request",
  "lose the answer",
  "hang before the commit",
  "hang after the commit"
])
type Fault = typeof Fault.Type

const Arrival = Schema.Struct({
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1500 })),
  /** The store refuses the item permanently. */
  bad: Schema.Literals([false, false, false, true]),
  /** The submitter is interrupted after this many milliseconds, unless it was answered. */
  leaves: Schema.Literals([horizon, horizon, horizon, 0, 5, 400])
})

interface Item {
  readonly id: number
  readonly bad: boolean
  readonly deadline: number
}

/** A store that stores each batch id once, as `page_view_batch` does. It follows a script of failures, then succeeds. */
const makeStore = (script: ReadonlyArray<Fault>) => {
  const seen = { copies: new Map<number, number>(), flushed: new Set<number>(), batches: new Set<string>() }
  const broken: Array<string> = []
  let flushes = 0
  let inFlight = 0
  const commit = (items: ReadonlyArray<Item>, batchId: string) =>
    Effect.suspend(() => {
      if (items.some((item) => item.bad)) return Effect.fail(new RecordRefused({}))
      if (!seen.batches.has(batchId)) {
        for (const item of items) seen.copies.set(item.id, (seen.copies.get(item.id) ?? 0) + 1)
        seen.batches.add(batchId)
      }
      return Effect.succeed(items.map((item) => Result.succeed(item.id)))
    })
  const lost = new StorageUnavailable({ reason: "unreachable" })
  const flush = (items: ReadonlyArray<Item>, batchId: string) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (inFlight !== 0) broken.push("two flushes at once")
      if (items.some((item) => item.deadline <= now)) broken.push("a late item was flushed")
      for (const item of items) seen.flushed.add(item.id)
      inFlight++
      switch (script[flushes++] ?? "store") {
        case "store":
          return yield* commit(items, batchId)
        case "store slowly":
          return yield* Effect.andThen(Effect.sleep("300 millis"), commit(items, batchId))
        case "lose the request":
          return yield* Effect.fail(lost)
        case "lose the answer":
          return yield* Effect.andThen(commit(items, batchId), Effect.fail(lost))
        case "hang before the commit":
          return yield* Effect.never
        case "hang after the commit":
          return yield* Effect.andThen(commit(items, batchId), Effect.never)
      }
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          inFlight--
        })
      )
    )
  return { ...seen, broken, flush }
}

/** Advances the clock in small steps, so that fibers woken by one step can sleep again before the next. */
const pass = (millis: number) => Effect.forEach(Array.from({ length: millis / 20 }), () => TestClock.adjust(20))

describe("GroupCommit", () => {
  it.effect.prop(
    "each item gets one outcome in time, is stored if and only if its outcome says so, and never twice",
    {
      arrivals: Schema.Array(Arrival).check(Schema.isMaxLength(40)),
      script: Schema.Array(Fault).check(Schema.isMaxLength(8)),
      maxQueue: Schema.Literals([2, 10, 1000]),
      maxBatch: Schema.Literals([1, 3, 100])
    },
    ({ arrivals, maxBatch, maxQueue, script }) =>
      Effect.gen(function* () {
        const store = makeStore(script)
        const start = yield* Clock.currentTimeMillis
        const group = yield* GroupCommit.make({ flush: store.flush, timeout, maxQueue, maxBatch })
        const submitters = yield* Effect.forEach(arrivals, ({ at, bad, leaves }, id) =>
          Effect.gen(function* () {
            yield* Effect.sleep(at)
            const submitted = group.submit({ id, bad, deadline: start + at + timeout })
            const outcome = yield* Effect.exit(Effect.timeoutOption(submitted, leaves))
            return { id, bad, outcome, waited: (yield* Clock.currentTimeMillis) - start - at }
          }).pipe(Effect.forkChild)
        )
        yield* pass(horizon)
        const ends = yield* Fiber.joinAll(submitters)

        assert.deepStrictEqual(store.broken, [])
        for (const { bad, id, outcome, waited } of ends) {
          const copies = store.copies.get(id) ?? 0
          assert.isAtMost(waited, timeout)
          assert.isAtMost(copies, 1)
          if (Exit.isSuccess(outcome)) {
            if (Option.isNone(outcome.value)) continue
            assert.strictEqual(outcome.value.value, id)
            assert.strictEqual(copies, 1)
            continue
          }
          const error = Cause.findErrorOption(outcome.cause)
          if (Option.isNone(error)) return assert.fail("an outcome that is no error of the contract")
          if (error.value._tag === "RecordRefused") {
            assert.isTrue(bad)
            assert.strictEqual(copies, 0)
          } else if (error.value.reason === "overloaded") {
            assert.strictEqual(waited, 0)
            assert.isFalse(store.flushed.has(id))
          } else {
            assert.strictEqual(waited, timeout)
            if (!store.flushed.has(id)) assert.strictEqual(copies, 0)
          }
        }
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 150 } }
  )

  it.effect.prop(
    "every valid item succeeds if the store only loses some requests and responses",
    {
      bad: Schema.Array(Schema.Boolean).check(Schema.isMaxLength(60)),
      script: Schema.Array(Schema.Literals(["store", "lose the request", "lose the answer"])).check(
        Schema.isMaxLength(4)
      )
    },
    ({ bad, script }) =>
      Effect.gen(function* () {
        const store = makeStore(script)
        const group = yield* GroupCommit.make({ flush: store.flush, timeout, maxQueue: 100, maxBatch: 100 })
        const submitters = yield* Effect.forEach(bad, (bad, id) =>
          Effect.forkChild(Effect.exit(group.submit({ id, bad, deadline: timeout })))
        )
        yield* pass(timeout)
        const outcomes = yield* Fiber.joinAll(submitters)
        outcomes.forEach((outcome, id) => {
          assert.strictEqual(Exit.isSuccess(outcome), !bad[id])
          assert.strictEqual(store.copies.get(id) ?? 0, bad[id] ? 0 : 1)
        })
      }).pipe(Effect.scoped)
  )

  it.effect("items of one turn of the event loop form one batch", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const { submit } = yield* GroupCommit.make<number, number, never>({
        flush: (items) => {
          sizes.push(items.length)
          return Effect.succeed(items.map((item) => Result.succeed(item)))
        },
        timeout,
        maxQueue: 100,
        maxBatch: 100
      })
      // Long enough for the committer to wait for the first of them.
      yield* Effect.yieldNow
      const run = Effect.runPromiseWith(yield* Effect.context<never>())
      yield* Effect.promise(() => Promise.all([1, 2, 3].map((item) => run(submit(item)))))
      assert.deepStrictEqual(sizes, [3])
    }).pipe(Effect.scoped)
  )

  it.effect("items that arrive during a flush form two batches, neither of more than half of them", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const sizes: Array<number> = []
      const group = yield* GroupCommit.make({
        flush: (items: ReadonlyArray<number>) =>
          Effect.sync(() => sizes.push(items.length)).pipe(
            Effect.andThen(Deferred.await(gate)),
            Effect.as(items.map((item) => Result.succeed(item)))
          ),
        timeout,
        maxQueue: 1000,
        maxBatch: 1000
      })
      const first = yield* Effect.forkChild(group.submit(0))
      yield* TestClock.adjust(1)
      const others = yield* Effect.forEach(
        Array.from({ length: 500 }, (_, index) => index + 1),
        (item) => Effect.forkChild(group.submit(item))
      )
      yield* TestClock.adjust(1)
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(first), 0)
      assert.deepStrictEqual(
        yield* Fiber.joinAll(others),
        others.map((_, index) => index + 1)
      )
      assert.deepStrictEqual(sizes, [1, 251, 249])
    })
  )

  it.effect("a batch is bounded by weight, and a queue that is too heavy refuses immediately", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const weights: Array<ReadonlyArray<number>> = []
      const group = yield* GroupCommit.make({
        flush: (items: ReadonlyArray<number>) =>
          Effect.sync(() => weights.push(items)).pipe(
            Effect.andThen(Deferred.await(gate)),
            Effect.as(items.map(() => Result.succeed(null)))
          ),
        timeout,
        maxQueue: 1000,
        maxBatch: 1000,
        weigh: (weight) => weight,
        maxQueueWeight: 20,
        maxBatchWeight: 10
      })
      const first = yield* Effect.forkChild(group.submit(50))
      yield* TestClock.adjust(1)
      const others = yield* Effect.forEach([4, 6, 9, 1], (weight) => Effect.forkChild(group.submit(weight)))
      yield* TestClock.adjust(1)
      const refused = yield* Effect.flip(group.submit(1))
      assert.deepInclude(refused, { _tag: "StorageUnavailable", reason: "overloaded" })
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.joinAll([first, ...others])
      assert.deepStrictEqual(weights, [[50], [4, 6], [9, 1]])
    })
  )

  it.effect("a hanging flush is cancelled when no submitter waits, and the next batch is stored", () =>
    Effect.gen(function* () {
      const store = makeStore(["hang before the commit"])
      const ends: Array<string> = []
      const group = yield* GroupCommit.make({
        flush: store.flush,
        timeout,
        maxQueue: 10,
        maxBatch: 10,
        observer: {
          waiting: () => Effect.void,
          flushed: (items, millis, what) => ends.push(`${items} after ${millis}: ${what}`)
        }
      })
      const hung = yield* Effect.forkChild(Effect.flip(group.submit({ id: 0, bad: false, deadline: timeout })))
      yield* TestClock.adjust(900)
      const next = yield* Effect.forkChild(group.submit({ id: 1, bad: false, deadline: 900 + timeout }))
      yield* TestClock.adjust(100)
      assert.deepInclude(yield* Fiber.join(hung), { _tag: "StorageUnavailable", reason: "timeout" })
      assert.strictEqual(yield* Fiber.join(next), 1)
      assert.deepStrictEqual([...store.copies], [[1, 1]])
      assert.deepStrictEqual(ends, [`1 after ${timeout}: abandoned`, "1 after 0: stored"])
    })
  )

  it.effect("closing the scope interrupts a hanging flush and fails its submitters", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      let interrupted = false
      const group = yield* GroupCommit.make<number, number, never>({
        flush: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => (interrupted = true))),
        timeout,
        maxQueue: 10,
        maxBatch: 10
      }).pipe(Scope.provide(scope))
      const waits = yield* Effect.forkChild(Effect.flip(group.submit(1)))
      yield* TestClock.adjust(1)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(interrupted)
      assert.deepInclude(yield* Fiber.join(waits), { _tag: "StorageUnavailable", reason: "unreachable" })
    })
  )

  it.effect("a retry leaves out items that were answered or whose submitter was interrupted", () =>
    Effect.gen(function* () {
      const sent: Array<string> = []
      const group = yield* GroupCommit.make({
        flush: (items: ReadonlyArray<string>) =>
          Effect.gen(function* () {
            if (sent.at(-1) !== items.join()) sent.push(items.join())
            if (items[0] === "first") return yield* Effect.delay(Effect.succeed([Result.succeed(null)]), 600)
            const now = yield* Clock.currentTimeMillis
            if (now < 1300) return yield* new StorageUnavailable({ reason: "unreachable" })
            return items.map(() => Result.succeed(null))
          }),
        timeout,
        maxQueue: 10,
        maxBatch: 10
      })
      const submit = (at: number, item: string) => Effect.forkChild(Effect.exit(Effect.delay(group.submit(item), at)))
      yield* submit(0, "first")
      const expires = yield* submit(100, "expires")
      const leaves = yield* submit(200, "leaves")
      const stays = yield* submit(550, "stays")
      yield* pass(800)
      yield* Fiber.interrupt(leaves)
      yield* pass(1000)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(expires)))
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(stays)))
      assert.deepStrictEqual(sent, ["first", "expires,leaves,stays", "expires,stays", "stays"])
    })
  )

  for (const [name, fault] of [
    ["dies", () => Effect.die("a bug")],
    [
      "throws",
      () => {
        throw new Error("a bug")
      }
    ]
  ] as const) {
    it.effect(`a flush that ${name} affects its own batch only`, () =>
      Effect.gen(function* () {
        let flushes = 0
        const group = yield* GroupCommit.make({
          flush: (items: ReadonlyArray<number>) =>
            flushes++ === 0 ? fault() : Effect.succeed(items.map((item) => Result.succeed(item))),
          timeout,
          maxQueue: 10,
          maxBatch: 10
        })
        const ends = yield* Effect.forkChild(Effect.forEach([1, 2], (item) => Effect.exit(group.submit(item))))
        yield* pass(3 * timeout)
        const [first, second] = yield* Fiber.join(ends)
        assert.isTrue(first !== undefined && Exit.hasDies(first))
        assert.deepStrictEqual(second, Exit.succeed(2))
      })
    )
  }

  it.effect("closing the scope answers all items and refuses new ones", () =>
    Effect.gen(function* () {
      const [group, waiting] = yield* Effect.scoped(
        Effect.gen(function* () {
          const group = yield* GroupCommit.make({
            flush: (_: ReadonlyArray<number>) => Effect.never,
            timeout,
            maxQueue: 10,
            maxBatch: 1
          })
          const waiting = yield* Effect.forEach([1, 2], (item) => Effect.forkDetach(Effect.flip(group.submit(item))))
          yield* TestClock.adjust(1)
          return [group, waiting] as const
        })
      )
      for (const error of [...(yield* Fiber.joinAll(waiting)), yield* Effect.flip(group.submit(3))]) {
        assert.deepInclude(error, { _tag: "StorageUnavailable", reason: "unreachable" })
      }
    })
  )
})
