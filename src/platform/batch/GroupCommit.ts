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
import {
  Array as Arr,
  Cause,
  Clock,
  Duration,
  Effect,
  Exit,
  Latch,
  MutableList,
  Result,
  Schedule,
  type Scope
} from "effect"
import { type RecordRefused, StorageUnavailable } from "../Storage.ts"

/** The result of a flush that was cancelled, since no submitter waits for it any more. */
const abandoned = Symbol("abandoned")

/** The maximum number of items, and their maximum weight, in any unit. A heavier item is accepted if all others weigh nothing. */
export interface Bounds {
  readonly maxItems: number
  readonly maxWeight: number
}

/** A queue that refuses items beyond its bounds. */
export const makeQueue = <Item extends { readonly weight: number }>({ maxItems, maxWeight }: Bounds) => {
  const items = MutableList.make<Item>()
  let weight = 0
  return {
    size: () => items.length,
    oldest: (): Item | undefined => items.head?.array[items.head.offset],
    /** Adds an item. False if that would exceed a bound. */
    offer: (item: Item): boolean => {
      if (items.length >= maxItems || (weight > 0 && weight + item.weight > maxWeight)) return false
      MutableList.append(items, item)
      weight += item.weight
      return true
    },
    /** Removes and returns the oldest item. */
    take: (): Item | undefined => {
      const item = MutableList.take(items)
      if (item === MutableList.Empty) return undefined
      weight -= item.weight
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
 * @param previous the size of the last batch
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
}

export interface GroupCommit<Item, A, E> {
  readonly submit: (item: Item) => Effect.Effect<A, E | StorageUnavailable | RecordRefused>
  /** The number of items that wait for a batch. */
  readonly queued: () => number
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

/** The delays before retries. */
const backoff = Schedule.min([Schedule.exponential("10 millis"), Schedule.spaced("200 millis")])

const unavailable = (reason: StorageUnavailable["reason"]) => Exit.fail(new StorageUnavailable({ reason }))

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

  const answer = (entry: Waiting, outcome: Outcome<A, E>): void => {
    const { resume } = entry
    entry.resume = undefined
    resume?.(outcome)
  }

  const timedOut = (): Outcome<A, E> => {
    const { code, reason = "timeout" } = lastFailure ?? {}
    return Exit.fail(new StorageUnavailable({ reason, code, cause: lastFailure }))
  }

  const submit = (item: Item): Effect.Effect<A, E | StorageUnavailable | RecordRefused> =>
    Effect.callback((resume) => {
      if (closed) return resume(unavailable("unreachable"))
      const entry: Waiting = { item, weight: weigh(item), deadline: now() + timeoutMillis, resume }
      if (!queue.offer(entry)) return resume(unavailable("overloaded"))
      arrival.openUnsafe()
      return Effect.sync(() => {
        entry.resume = undefined
      })
    })

  /** Takes the next batch from the queue; empty if no submitter waits. */
  const take = (previousSize: number): ReadonlyArray<Waiting> => {
    const size = intervalMillis > 0 ? queue.size() : batchSize(previousSize, queue.size())
    const maxItems = Math.min(options.maxBatch, size)
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

  /** Open while no submitter waits for `storing`. */
  const unwanted = Latch.makeUnsafe()
  /** The batch in flight, or one half of a part of it that was refused. */
  let storing: ReadonlyArray<Waiting> = []

  /** Stores a batch, with retries, until it is stored or no submitter waits. Stores the halves of a batch that was refused. */
  const store: (batch: ReadonlyArray<Waiting>) => Effect.Effect<void> = Effect.fnUntraced(function* (batch) {
    const batchId = randomUUID()
    let entries = batch
    const attempt = Effect.suspend(() => {
      entries = stillWaiting(batch)
      const items = entries.map(({ item }) => item)
      return Arr.isReadonlyArrayNonEmpty(items) ? options.flush(items, batchId) : Effect.succeed([])
    })
    const stored = Effect.retry(attempt, {
      schedule: backoff,
      while: (error) => {
        lastFailure = error._tag === "StorageUnavailable" ? error : undefined
        return lastFailure !== undefined
      }
    })
    storing = batch
    unwanted.closeUnsafe()
    const exit = yield* Effect.exit(Effect.raceFirst(stored, Effect.as(unwanted.await, abandoned)))
    if (Exit.isSuccess(exit)) {
      const outcomes = exit.value
      if (outcomes === abandoned) return
      lastFailure = undefined
      entries.forEach((entry, index) => {
        const outcome = outcomes[index]
        if (outcome === undefined) answer(entry, Exit.die(new Error("A flush gave no outcome for an item")))
        else answer(entry, Result.isSuccess(outcome) ? Exit.succeed(outcome.success) : Exit.fail(outcome.failure))
      })
      return
    }
    const failure = Cause.findError(exit.cause)
    if (Result.isFailure(failure)) {
      // A defect leaves the store's state unknown: no retry.
      for (const entry of entries) answer(entry, Exit.die(Cause.squash(exit.cause)))
    } else if (entries.length === 1) answer(entries[0]!, Exit.fail(failure.success))
    else {
      const middle = entries.length >> 1
      yield* store(entries.slice(0, middle))
      yield* store(entries.slice(middle))
    }
  })

  /** Waits until `isReached`, which only the arrival of an item can bring about. */
  const awaitArrival = (isReached: () => boolean): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (isReached()) return Effect.void
      arrival.closeUnsafe()
      return Effect.andThen(arrival.await, awaitArrival(isReached))
    })

  const work = Effect.gen(function* () {
    let previousSize = 0
    let startedAt = Number.NEGATIVE_INFINITY
    while (true) {
      yield* awaitArrival(() => queue.size() > 0)
      // Collects all items of this turn of the event loop into one batch.
      yield* Effect.yieldNow
      const pauseMillis = startedAt + intervalMillis - now()
      if (pauseMillis > 0) {
        const full = awaitArrival(() => queue.size() >= options.maxBatch)
        yield* Effect.race(clock.sleep(Duration.millis(Math.ceil(pauseMillis))), full)
      }
      startedAt = now()
      inFlight = take(previousSize)
      previousSize = inFlight.length
      lastFailure = undefined
      yield* store(inFlight)
      inFlight = []
    }
  })

  /** Answers items whose deadline passed, and cancels a flush for which no submitter waits. */
  const reap = (): void => {
    const time = now()
    inFlight = stillWaiting(inFlight)
    if (stillWaiting(storing).length === 0) unwanted.openUnsafe()
    for (let next = queue.oldest(); next !== undefined; next = queue.oldest()) {
      if (next.resume !== undefined && next.deadline > time) break
      queue.take()
      answer(next, timedOut())
    }
  }

  const oldest = (): Waiting | undefined => inFlight.find((entry) => entry.resume !== undefined) ?? queue.oldest()

  /** One timer for all items: deadlines pass in order of arrival, so the next deadline is that of the oldest item. */
  const watch = Effect.gen(function* () {
    while (true) {
      const next = oldest()
      if (next === undefined) yield* awaitArrival(() => oldest() !== undefined)
      else yield* clock.sleep(Duration.millis(Math.max(1, Math.ceil(next.deadline - now()))))
      reap()
    }
  })

  yield* Effect.forkScoped(work)
  yield* Effect.forkScoped(watch)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      for (const entry of inFlight) answer(entry, unavailable("unreachable"))
      for (let next = queue.take(); next !== undefined; next = queue.take()) answer(next, unavailable("unreachable"))
    })
  )
  return { submit, queued: queue.size }
})
