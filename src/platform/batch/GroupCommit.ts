/**
 * Group commit: many waiters, one statement in flight. Items that arrive during a flush go into the next batches, whose sizes
 * `batchSize` decides, so that many items share the cost of one commit. Contains no statements; takes time from the
 * Clock.
 *
 * Guarantees for every submitted item, whatever the store does:
 *
 * - It gets exactly one outcome, within `timeout` of its arrival.
 * - It succeeds only after the commit of its batch.
 * - A flush contains no item whose deadline passed, or whose submitter was interrupted, before the flush began.
 * - If the store refuses an item, the batch is halved until the item is isolated: its neighbours are stored.
 *
 * An item that fails with `StorageUnavailable` is not stored if it was never flushed. If its flush hung or failed, the item is
 * stored once or not at all.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Array as Arr, Cause, Clock, Duration, Effect, Exit, Latch, Result, type Scope } from "effect"
import { type RecordRefused, StorageUnavailable } from "../Storage.ts"
import type { FlushOutcome, Observer } from "./BatchMetrics.ts"

/** The result of a flush that was cancelled, since no submitter waits for it any more. */
const abandoned = Symbol("abandoned")

export interface Weighted {
  /** In the unit of `maxWeight`, for example bytes. */
  readonly weight: number
}

export interface Bounds {
  readonly maxItems: number
  /** A heavier item is accepted if the queue is empty. */
  readonly maxWeight: number
}

export interface BoundedQueue<Item extends Weighted> {
  readonly size: () => number
  readonly oldest: () => Item | undefined
  /** Adds an item. False if that would exceed a bound. */
  readonly offer: (item: Item) => boolean
  /** Removes and returns the oldest item. */
  readonly take: () => Item | undefined
}

/** The maximum number of empty slots at the front. To compact the array after each `take` would be quadratic. */
const maxEmptySlots = 4096

export const makeQueue = <Item extends Weighted>(bounds: Bounds): BoundedQueue<Item> => {
  let items: Array<Item | undefined> = []
  /** The index of the oldest item. */
  let head = 0
  let weight = 0

  const size = () => items.length - head

  return {
    size,
    oldest: () => items[head],
    offer: (item) => {
      const isFull = size() >= bounds.maxItems || (weight > 0 && weight + item.weight > bounds.maxWeight)
      if (isFull) return false
      items.push(item)
      weight += item.weight
      return true
    },
    take: () => {
      const item = items[head]
      if (item === undefined) return undefined
      items[head] = undefined
      head++
      weight -= item.weight
      if (head === items.length || head >= maxEmptySlots) {
        items = items.slice(head)
        head = 0
      }
      return item
    }
  }
}

/** Up to this many waiting items go into one batch. Such a batch costs a store about as much as a batch of one item. */
export const maxUnsplit = 16

/**
 * The size of the next batch: half of the active clients, or `maxUnsplit` if that is more, but at most all waiting items. The
 * active clients are those of the last batch, most of which are about to send again, and those that wait now.
 *
 * A store that takes one batch at a time divides its clients into two groups: while one group's batch is stored, the other
 * group's items arrive. If a batch took all waiting items, the groups would keep the sizes that chance gave them, in the
 * worst case one client and all others, and the process would be idle most of the time. With batches of at most half of
 * the clients, the groups are equal two batches later.
 *
 * All waiting items are taken if there are at most `maxUnsplit`, or at most as many as the last batch had.
 *
 * @param previous the size of the last batch: 0 or more.
 * @param waiting the number of waiting items: 0 or more.
 * @returns 1 to `waiting`; 0 if no item waits.
 */
export const batchSize = (previous: number, waiting: number): number =>
  Math.min(waiting, Math.max(maxUnsplit, Math.ceil((previous + waiting) / 2)))

export interface Options<Item, A, E> {
  /**
   * Stores a batch atomically and returns each item's outcome in the batch's order.
   *
   * After `StorageUnavailable` the batch is retried with the same `batchId` (a uuid), without the items that were answered
   * meanwhile: if the first commit went through, the store must not store an item twice. `RecordRefused` means that nothing
   * was stored and that an item is at fault. The flush is interrupted once no submitter waits for it.
   */
  readonly flush: (
    items: Arr.NonEmptyReadonlyArray<Item>,
    batchId: string
  ) => Effect.Effect<ReadonlyArray<Result.Result<A, E>>, StorageUnavailable | RecordRefused>
  /** The maximum time from an item's arrival to its outcome. */
  readonly timeout: Duration.Input
  /** The maximum number of queued items; beyond it `submit` fails at once. */
  readonly maxQueue: number
  /** The maximum number of items of one batch. */
  readonly maxBatch: number
  /**
   * The minimum time between the starts of two batches, for a store that handles a few large batches better than many small
   * ones. Each batch then contains all queued items, and a full batch starts at once. Default: none.
   */
  readonly interval?: Duration.Input
  /** An item's weight, commonly its bytes. Default: 0. */
  readonly weigh?: (item: Item) => number
  /** The maximum weight that may be queued. */
  readonly maxQueueWeight?: number
  /** The maximum weight of one batch; a heavier item forms a batch by itself. */
  readonly maxBatchWeight?: number
  readonly observer?: Observer
}

export interface GroupCommit<Item, A, E> {
  readonly submit: (item: Item) => Effect.Effect<A, E | StorageUnavailable | RecordRefused>
}

type Outcome<A, E> = Exit.Exit<A, E | StorageUnavailable | RecordRefused>

/** A submitted item. `resume` is undefined once it was answered, or its submitter was interrupted. */
interface Entry<Item, A, E> {
  readonly item: Item
  readonly weight: number
  /** Milliseconds of the monotonic clock. */
  readonly deadline: number
  resume: ((outcome: Outcome<A, E>) => void) | undefined
}

/** A batch, or one half of a refused part. It is stored under one id. */
interface Part<Item, A, E> {
  readonly batchId: string
  readonly entries: ReadonlyArray<Entry<Item, A, E>>
}

const firstRetryMillis = 10
const lastRetryMillis = 200

const flushOutcomeOf = (exit: Exit.Exit<unknown, StorageUnavailable | RecordRefused>): FlushOutcome => {
  if (Exit.isSuccess(exit)) return exit.value === abandoned ? "abandoned" : "stored"
  const failure = Cause.findError(exit.cause)
  if (Result.isFailure(failure)) return "died"
  return failure.success._tag === "RecordRefused" ? "refused" : "unavailable"
}

/** Starts a group commit in the scope. When the scope closes, waiting items fail with `StorageUnavailable`. */
export const make = Effect.fnUntraced(function* <Item, A, E>(
  options: Options<Item, A, E>
): Effect.fn.Return<GroupCommit<Item, A, E>, never, Scope.Scope> {
  type Waiting = Entry<Item, A, E>
  const clock = yield* Clock.Clock
  const timeoutMillis = Duration.toMillis(options.timeout)
  const intervalMillis = options.interval === undefined ? 0 : Duration.toMillis(options.interval)
  const weigh = options.weigh ?? (() => 0)
  const maxBatchWeight = options.maxBatchWeight ?? Number.POSITIVE_INFINITY
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  /** The queued items, in order of their deadlines. */
  const queue = makeQueue<Waiting>({
    maxItems: options.maxQueue,
    maxWeight: options.maxQueueWeight ?? Number.POSITIVE_INFINITY
  })
  /** The batch in flight, oldest first. */
  let inFlight: ReadonlyArray<Waiting> = []
  /** The last failure of the batch in flight, which items get when their deadline passes. */
  let lastFailure: StorageUnavailable | undefined
  let closed = false
  /** Opened by each item that is queued. */
  const arrival = Latch.makeUnsafe()
  /** Opened whenever an item is queued and the queue then holds a full batch. */
  const fullBatch = Latch.makeUnsafe()

  const answer = (entry: Waiting, outcome: Outcome<A, E>): void => {
    const { resume } = entry
    entry.resume = undefined
    resume?.(outcome)
  }

  const timedOut = (): Outcome<A, E> =>
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
      arrival.openUnsafe()
      if (queue.size() >= options.maxBatch) fullBatch.openUnsafe()
      return Effect.sync(() => {
        entry.resume = undefined
      })
    })

  /** Takes the next batch from the queue; empty if no submitter waits. */
  const take = (previousSize: number): ReadonlyArray<Waiting> => {
    const wanted = intervalMillis > 0 ? queue.size() : batchSize(previousSize, queue.size())
    const maxItems = Math.min(options.maxBatch, wanted)
    const taken: Array<Waiting> = []
    let weight = 0
    for (let next = queue.oldest(); next !== undefined && taken.length < maxItems; next = queue.oldest()) {
      if (taken.length > 0 && weight + next.weight > maxBatchWeight) break
      queue.take()
      if (next.resume === undefined) continue
      weight += next.weight
      taken.push(next)
    }
    return taken
  }

  /** The entries that still wait. Answers entries whose deadline passed, in case `reap` has not run yet. */
  const stillWaiting = (entries: ReadonlyArray<Waiting>): ReadonlyArray<Waiting> => {
    const time = now()
    return entries.filter((entry) => {
      if (entry.resume !== undefined && entry.deadline <= time) answer(entry, timedOut())
      return entry.resume !== undefined
    })
  }

  /** Open while no submitter waits for the entries that are being stored. */
  const unwanted = Latch.makeUnsafe()
  let isWanted = () => true

  /** Runs a flush, or the delay before its retry, until no submitter of `entries` waits for it. */
  const whileWanted = <B, F>(entries: ReadonlyArray<Waiting>, effect: Effect.Effect<B, F>) => {
    isWanted = () => entries.some((entry) => entry.resume !== undefined)
    unwanted.closeUnsafe()
    return Effect.raceFirst(effect, Effect.as(unwanted.await, abandoned))
  }

  /** Stores a part, with retries, until it is stored or refused or no submitter waits. Returns its halves if refused. */
  const store = Effect.fnUntraced(function* (part: Part<Item, A, E>) {
    let retryMillis = firstRetryMillis
    while (true) {
      const entries = stillWaiting(part.entries)
      const items = entries.map((entry) => entry.item)
      if (!Arr.isReadonlyArrayNonEmpty(items)) return []
      const flushedAt = now()
      const flush = Effect.suspend(() => options.flush(items, part.batchId))
      const exit = yield* Effect.exit(whileWanted(entries, flush))
      options.observer?.flushed(items.length, now() - flushedAt, flushOutcomeOf(exit))
      if (Exit.isSuccess(exit)) {
        const outcomes = exit.value
        if (outcomes === abandoned) return []
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
        // A defect leaves the store's state unknown: no retry.
        for (const entry of entries) answer(entry, Exit.die(Cause.squash(exit.cause)))
        return []
      }
      if (failure.success._tag === "StorageUnavailable") {
        lastFailure = failure.success
        yield* whileWanted(entries, clock.sleep(Duration.millis(retryMillis)))
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

  /** Waits until `isReached`. Each item that can bring this state about must open the latch. */
  const awaitState = (latch: Latch.Latch, isReached: () => boolean) =>
    Effect.suspend(() => {
      if (isReached()) return Effect.void
      latch.closeUnsafe()
      return latch.await
    })

  const queued = awaitState(arrival, () => queue.size() > 0)
  const full = awaitState(fullBatch, () => queue.size() >= options.maxBatch)

  const work = Effect.gen(function* () {
    let previousSize = 0
    let startedAt = Number.NEGATIVE_INFINITY
    while (true) {
      yield* queued
      // Collects all items of this turn of the event loop into one batch.
      yield* Effect.yieldNow
      const pauseMillis = startedAt + intervalMillis - now()
      if (pauseMillis > 0) yield* Effect.race(clock.sleep(Duration.millis(Math.ceil(pauseMillis))), full)
      startedAt = now()
      inFlight = take(previousSize)
      previousSize = inFlight.length
      lastFailure = undefined
      const parts: Array<Part<Item, A, E>> = [{ batchId: randomUUID(), entries: inFlight }]
      while (parts.length > 0) parts.push(...(yield* store(parts.pop()!)).reverse())
      inFlight = []
    }
  })

  /** Answers items whose deadline passed, and cancels a flush for which no submitter waits. */
  const reap = (): void => {
    const time = now()
    for (const entry of inFlight) if (entry.resume !== undefined && entry.deadline <= time) answer(entry, timedOut())
    if (!isWanted()) unwanted.openUnsafe()
    for (let next = queue.oldest(); next !== undefined; next = queue.oldest()) {
      if (next.resume !== undefined && next.deadline > time) break
      queue.take()
      answer(next, timedOut())
    }
  }

  const oldest = (): Waiting | undefined => inFlight.find((entry) => entry.resume !== undefined) ?? queue.oldest()

  const unanswered = awaitState(arrival, () => oldest() !== undefined)

  /** One timer for all items: deadlines pass in order of arrival, so the next deadline is that of the oldest item. */
  const watch = Effect.gen(function* () {
    while (true) {
      const next = oldest()
      if (next === undefined) yield* unanswered
      else yield* clock.sleep(Duration.millis(Math.max(1, Math.ceil(next.deadline - now()))))
      reap()
    }
  })

  if (options.observer !== undefined) yield* options.observer.observeQueue(queue.size)
  yield* Effect.forkScoped(work)
  yield* Effect.forkScoped(watch)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      for (const entry of inFlight) answer(entry, Exit.fail(new StorageUnavailable({ reason: "unreachable" })))
      for (let next = queue.take(); next !== undefined; next = queue.take()) {
        answer(next, Exit.fail(new StorageUnavailable({ reason: "unreachable" })))
      }
    })
  )
  return { submit }
})
