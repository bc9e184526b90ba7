/**
 * Group commit: many waiters, one statement in flight. What arrives while a batch is being stored is in the next ones
 * (`core/data/BatchSize` says how much of it), so that the price of a commit is shared by all who wait for it. Generic: no SQL
 * here, and time from the Clock alone.
 *
 * What holds of every submitted item, whatever the store does:
 *
 * - It gets exactly one outcome, within `timeout` of its arrival.
 * - A success is said after the commit of its own batch, and only then.
 * - One whose deadline passed, or whose submitter went away, before a flush began is not in that flush.
 * - One that the store refuses for good is found by halving its batch: its neighbours are stored.
 *
 * A `StorageUnavailable` of an item that was never flushed says that it is not stored. One of an item whose flush hung or
 * broke says nothing about that: it is stored once or not at all.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { type Array as Arr, Cause, Clock, Duration, Effect, Exit, Result, type Scope } from "effect"
import * as BatchSize from "../../core/data/BatchSize.ts"
import * as BoundedQueue from "../../core/data/BoundedQueue.ts"
import { type RecordRefused, StorageUnavailable } from "../../services/Storage.ts"
import type { Flushed, Observer } from "./BatchMetrics.ts"
import * as CancellableRunner from "./CancellableRunner.ts"

export interface Options<Item, A, E> {
  /**
   * Stores a batch, all of it or nothing, and gives each item's outcome in the batch's order.
   *
   * `StorageUnavailable` has the same batch sent again, with the same `batchId` (a uuid) and without the items that were
   * answered meanwhile: the store must not store it twice if the first commit went through after all. `RecordRefused`
   * says that nothing was stored and that an item is at fault. It is interrupted once nobody waits for it any more.
   */
  readonly flush: (
    items: Arr.NonEmptyReadonlyArray<Item>,
    batchId: string
  ) => Effect.Effect<ReadonlyArray<Result.Result<A, E>>, StorageUnavailable | RecordRefused>
  /** How long an item waits for its outcome, from its arrival. */
  readonly timeout: Duration.Input
  /** The most items that wait for a batch; beyond it a submission fails at once. */
  readonly maxQueue: number
  /** The most items of one batch. */
  readonly maxBatch: number
  /** What an item weighs against `maxQueueWeight` and `maxBatchWeight`, commonly its bytes. Without it, nothing. */
  readonly weigh?: (item: Item) => number
  /** The most weight that waits for a batch. */
  readonly maxQueueWeight?: number
  /** The weight at which a batch is closed; a heavier item makes a batch by itself. */
  readonly maxBatchWeight?: number
  readonly observer?: Observer
}

export interface GroupCommit<Item, A, E> {
  readonly submit: (item: Item) => Effect.Effect<A, E | StorageUnavailable | RecordRefused>
}

type Outcome<A, E> = Exit.Exit<A, E | StorageUnavailable | RecordRefused>

/** An item on its way. `resume` is undefined once it was answered, or its submitter is gone. */
interface Entry<Item, A, E> {
  readonly item: Item
  readonly weight: number
  /** Milliseconds of the monotonic clock. */
  readonly deadline: number
  resume: ((outcome: Outcome<A, E>) => void) | undefined
}

/** A part of a batch that is stored under one id. */
interface Part<Item, A, E> {
  readonly batchId: string
  readonly entries: ReadonlyArray<Entry<Item, A, E>>
}

const firstRetryMillis = 10
const lastRetryMillis = 200

const flushedOf = (exit: Exit.Exit<unknown, StorageUnavailable | RecordRefused>): Flushed => {
  if (Exit.isSuccess(exit)) return exit.value === CancellableRunner.abandoned ? "abandoned" : "stored"
  const failure = Cause.findError(exit.cause)
  if (Result.isFailure(failure)) return "died"
  return failure.success._tag === "RecordRefused" ? "refused" : "unavailable"
}

/** Starts the committer. It lives as long as its scope; what still waits at its end is answered `StorageUnavailable`. */
export const make = Effect.fnUntraced(function* <Item, A, E>(
  options: Options<Item, A, E>
): Effect.fn.Return<GroupCommit<Item, A, E>, never, Scope.Scope> {
  type Waiting = Entry<Item, A, E>
  const clock = yield* Clock.Clock
  /** Runs the flush, or the wait before the next one. */
  const runner = yield* CancellableRunner.make
  const timeoutMillis = Duration.toMillis(options.timeout)
  const weigh = options.weigh ?? (() => 0)
  const maxBatchWeight = options.maxBatchWeight ?? Number.POSITIVE_INFINITY
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  /** What waits for a batch: every deadline is later than the one before. */
  const queue = BoundedQueue.make<Waiting>({
    maxItems: options.maxQueue,
    maxWeight: options.maxQueueWeight ?? Number.POSITIVE_INFINITY
  })
  /** The batch that is being stored, oldest first. */
  let flying: ReadonlyArray<Waiting> = []
  /** The last failure of the batch that is being stored, for those whose deadline passes. */
  let lastFailure: StorageUnavailable | undefined
  let closed = false
  let wakeWorker: (() => void) | undefined
  let wakeReaper: (() => void) | undefined

  const answer = (entry: Waiting, outcome: Outcome<A, E>): void => {
    const { resume } = entry
    entry.resume = undefined
    resume?.(outcome)
  }

  const late = (): Outcome<A, E> =>
    Exit.fail(
      lastFailure === undefined
        ? new StorageUnavailable({ reason: "timeout" })
        : new StorageUnavailable({ reason: lastFailure.reason, code: lastFailure.code, cause: lastFailure })
    )

  const submit = (item: Item): Effect.Effect<A, E | StorageUnavailable | RecordRefused> =>
    Effect.callback((resume) => {
      if (closed) return resume(Exit.fail(new StorageUnavailable({ reason: "unreachable" })))
      const entry: Waiting = { item, weight: weigh(item), deadline: now() + timeoutMillis, resume }
      if (!queue.offer(entry)) return resume(Exit.fail(new StorageUnavailable({ reason: "overloaded" })))
      wakeWorker?.()
      wakeReaper?.()
      return Effect.sync(() => {
        entry.resume = undefined
      })
    })

  /** Takes what the next batch holds out of the queue; empty if nobody waits any more. */
  const take = (previous: number): ReadonlyArray<Waiting> => {
    const most = Math.min(options.maxBatch, BatchSize.next(previous, queue.size()))
    const taken: Array<Waiting> = []
    let weight = 0
    for (let next = queue.oldest(); next !== undefined && taken.length < most; next = queue.oldest()) {
      if (taken.length > 0 && weight + next.weight > maxBatchWeight) break
      queue.take()
      if (next.resume === undefined) continue
      weight += next.weight
      taken.push(next)
    }
    return taken
  }

  /** Those who still wait, and in time. Who is too late is answered here, should the reaper not have come yet. */
  const alive = (entries: ReadonlyArray<Waiting>): ReadonlyArray<Waiting> => {
    const time = now()
    return entries.filter((entry) => {
      if (entry.resume !== undefined && entry.deadline <= time) answer(entry, late())
      return entry.resume !== undefined
    })
  }

  /** Whether anybody of `entries` waits; the reaper has it asked. */
  const isWanted = (entries: ReadonlyArray<Waiting>) => () => entries.some((entry) => entry.resume !== undefined)

  const isNonEmpty = <T>(items: ReadonlyArray<T>): items is Arr.NonEmptyReadonlyArray<T> => items.length > 0

  /** Stores one part, again and again until it is stored, refused, or nobody waits. Gives the parts it fell into. */
  const store = Effect.fnUntraced(function* (part: Part<Item, A, E>) {
    let retryMillis = firstRetryMillis
    while (true) {
      const entries = alive(part.entries)
      const items = entries.map((entry) => entry.item)
      if (!isNonEmpty(items)) return []
      const begun = now()
      const flush = Effect.suspend(() => options.flush(items, part.batchId))
      const exit = yield* Effect.exit(runner.run(isWanted(entries), flush))
      options.observer?.flushed(items.length, now() - begun, flushedOf(exit))
      if (Exit.isSuccess(exit)) {
        const outcomes = exit.value
        if (outcomes === CancellableRunner.abandoned) return []
        lastFailure = undefined
        entries.forEach((entry, index) => {
          const outcome = outcomes[index]
          if (outcome === undefined) answer(entry, Exit.die(new Error("A flush gave no outcome for an item")))
          else answer(entry, Result.isSuccess(outcome) ? Exit.succeed(outcome.success) : Exit.fail(outcome.failure))
        })
        return []
      }
      const failure = Cause.findError(exit.cause)
      if (Result.isFailure(failure)) {
        // A defect: nothing is known of the store, so nothing is sent again.
        for (const entry of entries) answer(entry, Exit.die(Cause.squash(exit.cause)))
        return []
      }
      if (failure.success._tag === "StorageUnavailable") {
        lastFailure = failure.success
        yield* runner.run(isWanted(entries), clock.sleep(Duration.millis(retryMillis)))
        retryMillis = Math.min(retryMillis * 2, lastRetryMillis)
        continue
      }
      lastFailure = undefined
      if (entries.length === 1) {
        answer(entries[0]!, Exit.fail(failure.success))
        return []
      }
      const middle = entries.length >> 1
      return [entries.slice(0, middle), entries.slice(middle)].map((half) => ({
        batchId: randomUUID(),
        entries: half
      }))
    }
  })

  const parkWorker = Effect.callback<void>((resume) => {
    if (queue.size() > 0) return resume(Effect.void)
    wakeWorker = () => {
      wakeWorker = undefined
      resume(Effect.void)
    }
  })

  const work = Effect.gen(function* () {
    let previous = 0
    while (true) {
      yield* parkWorker
      // Until the event loop is through with all that came at once: it is one batch, and not one request and the rest.
      yield* Effect.yieldNow
      flying = take(previous)
      previous = flying.length
      lastFailure = undefined
      const parts: Array<Part<Item, A, E>> = [{ batchId: randomUUID(), entries: flying }]
      while (parts.length > 0) parts.push(...(yield* store(parts.pop()!)).reverse())
      flying = []
    }
  })

  /** Answers everyone whose deadline passed, and gives up a flush for which nobody waits. */
  const reap = (): void => {
    const time = now()
    for (const entry of flying) if (entry.resume !== undefined && entry.deadline <= time) answer(entry, late())
    runner.check()
    for (let next = queue.oldest(); next !== undefined; next = queue.oldest()) {
      if (next.resume !== undefined && next.deadline > time) break
      queue.take()
      answer(next, late())
    }
  }

  const oldest = (): Waiting | undefined => flying.find((entry) => entry.resume !== undefined) ?? queue.oldest()

  const parkReaper = Effect.callback<void>((resume) => {
    if (oldest() !== undefined) return resume(Effect.void)
    wakeReaper = () => {
      wakeReaper = undefined
      resume(Effect.void)
    }
  })

  /** One sleep for everyone: deadlines pass in the order of arrival, so that the oldest one's is the next. */
  const watch = Effect.gen(function* () {
    while (true) {
      const next = oldest()
      if (next === undefined) yield* parkReaper
      else yield* clock.sleep(Duration.millis(Math.max(1, Math.ceil(next.deadline - now()))))
      reap()
    }
  })

  if (options.observer !== undefined) yield* options.observer.waiting(queue.size)
  yield* Effect.forkScoped(work)
  yield* Effect.forkScoped(watch)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      for (const entry of flying) answer(entry, Exit.fail(new StorageUnavailable({ reason: "unreachable" })))
      for (let next = queue.take(); next !== undefined; next = queue.take()) {
        answer(next, Exit.fail(new StorageUnavailable({ reason: "unreachable" })))
      }
    })
  )
  return { submit }
})
