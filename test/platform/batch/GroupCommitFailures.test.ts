/** Flushes that hang, fail or are interrupted, and the outcomes of their submitters. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as GroupCommit from "../../../src/platform/batch/GroupCommit.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import { makeStore, pass, timeout } from "../../support/ScriptedStore.ts"

describe("GroupCommit: failures", () => {
  it.effect("a hanging flush is cancelled when no submitter waits, and the next batch is stored", () =>
    Effect.gen(function* () {
      const store = makeStore(["hang before the commit"])
      const ends: Array<readonly [number, boolean]> = []
      const group = yield* GroupCommit.make({
        flush: (items: Parameters<typeof store.flush>[0], batchId: string) =>
          Effect.onExit(store.flush(items, batchId), (exit) =>
            Effect.map(Clock.currentTimeMillis, (now) => ends.push([now, Exit.hasInterrupts(exit)]))
          ),
        timeout,
        maxQueue: 10,
        maxBatch: 10
      })
      const hung = yield* Effect.forkChild(Effect.flip(group.submit({ id: 0, bad: false, deadline: timeout })))
      yield* TestClock.adjust(900)
      const next = yield* Effect.forkChild(group.submit({ id: 1, bad: false, deadline: 900 + timeout }))
      yield* TestClock.adjust(100)
      assert.deepInclude(yield* Fiber.join(hung), { _tag: "StorageUnavailable", reason: "timeout" })
      assert.strictEqual(yield* Fiber.join(next), 1)
      assert.deepStrictEqual([...store.copies], [[1, 1]])
      assert.deepStrictEqual(ends, [
        [timeout, true],
        [timeout, false]
      ])
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
      const waiting = yield* Effect.forkChild(Effect.flip(group.submit(1)))
      yield* TestClock.adjust(1)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(interrupted)
      assert.deepInclude(yield* Fiber.join(waiting), { _tag: "StorageUnavailable", reason: "unreachable" })
    })
  )

  it.effect("a retry leaves out items that timed out or whose submitter was interrupted", () =>
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
        const submitter = yield* Effect.forkChild(Effect.forEach([1, 2], (item) => Effect.exit(group.submit(item))))
        yield* pass(3 * timeout)
        const [first, second] = yield* Fiber.join(submitter)
        assert.isTrue(first !== undefined && Exit.hasDies(first))
        assert.deepStrictEqual(second, Exit.succeed(2))
      })
    )
  }

  it.effect("closing the scope fails all items, and later ones fail too", () =>
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
