/** A store of batches whose flushes follow a script, for tests of group commit on the TestClock. */
import { Clock, Effect, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { RecordRefused, StorageUnavailable } from "../../src/platform/Storage.ts"

/** How long an item may wait, in milliseconds. */
export const timeout = 1000

/** The store's behaviour for one flush. "store" is listed twice, so that it is generated more often. */
export const Behaviour = Schema.Literals([
  "store",
  "store",
  "store slowly",
  "lose the request",
  "lose the answer",
  "hang before the commit",
  "hang after the commit"
])

export type Behaviour = typeof Behaviour.Type

export interface Item {
  readonly id: number
  readonly bad: boolean
  readonly deadline: number
}

/** A store that stores each batch id once, as `page_view_batch` does. It follows the script, and then succeeds. */
export const makeStore = (script: ReadonlyArray<Behaviour>) => {
  const state = { copies: new Map<number, number>(), flushed: new Set<number>(), batches: new Set<string>() }
  const violations: Array<string> = []
  let flushes = 0
  let inFlight = 0
  const commit = (items: ReadonlyArray<Item>, batchId: string) =>
    Effect.suspend(() => {
      if (items.some((item) => item.bad)) return Effect.fail(new RecordRefused({}))
      if (!state.batches.has(batchId)) {
        for (const item of items) state.copies.set(item.id, (state.copies.get(item.id) ?? 0) + 1)
        state.batches.add(batchId)
      }
      return Effect.succeed(items.map((item) => Result.succeed(item.id)))
    })
  const lost = new StorageUnavailable({ reason: "unreachable" })
  const flush = (items: ReadonlyArray<Item>, batchId: string) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (inFlight !== 0) violations.push("two flushes at once")
      if (items.some((item) => item.deadline <= now)) violations.push("a late item was flushed")
      for (const item of items) state.flushed.add(item.id)
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
  return { ...state, violations, flush }
}

/** Advances the clock in small steps, so that fibers woken by one step can sleep again before the next. */
export const pass = (millis: number) => Effect.forEach(Array.from({ length: millis / 20 }), () => TestClock.adjust(20))
