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
import { Array as Arr, Cause, Clock, Duration, Effect, Exit, Latch, Option, Result, Schedule, type Scope } from "effect"
import { type RecordRefused, StorageUnavailable } from "../Storage.ts"

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
   * was stored and that an item is at fault. The flush is interrupted when the deadline of its last item passes.
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
  /** The maximum weight that may be queued. A heavier item is accepted if all others weigh nothing. */
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
  const { maxQueue, maxBatchWeight = Number.POSITIVE_INFINITY, maxQueueWeight = Number.POSITIVE_INFINITY } = options
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  /** The queued items, in order of their deadlines, and their weight. */
  const queue: Array<Waiting> = []
  let queuedWeight = 0
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
      const isTooHeavy = queuedWeight > 0 && queuedWeight + entry.weight > maxQueueWeight
      if (queue.length >= maxQueue || isTooHeavy) return resume(unavailable("overloaded"))
      queue.push(entry)
      queuedWeight += entry.weight
      arrival.openUnsafe()
      return Effect.sync(() => {
        entry.resume = undefined
      })
    })

  /** Removes and returns the oldest items. */
  const dequeue = (count: number): ReadonlyArray<Waiting> => {
    const removed = queue.splice(0, count)
    for (const { weight } of removed) queuedWeight -= weight
    return removed
  }

  /** Takes the next batch from the queue; empty if no submitter waits. */
  const take = (previousSize: number): ReadonlyArray<Waiting> => {
    const size = intervalMillis > 0 ? queue.length : batchSize(previousSize, queue.length)
    const maxItems = Math.min(options.maxBatch, size)
    let count = 0
    let weight = 0
    let passed = 0
    for (const entry of queue) {
      if (count === maxItems || (count > 0 && weight + entry.weight > maxBatchWeight)) break
      passed++
      if (entry.resume === undefined) continue
      weight += entry.weight
      count++
    }
    return dequeue(passed).filter(({ resume }) => resume !== undefined)
  }

  /** The entries that still wait. Answers entries whose deadline passed, in case `reap` has not run yet. */
  const stillWaiting = (entries: ReadonlyArray<Waiting>): ReadonlyArray<Waiting> => {
    const time = now()
    return entries.filter((entry) => {
      if (entry.resume !== undefined && entry.deadline <= time) answer(entry, timedOut())
      return entry.resume !== undefined
    })
  }

  /** Stores a batch, with retries, until it is stored or its last deadline passes. Stores the halves of a batch that was refused. */
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
    const lastDeadline = batch.at(-1)?.deadline ?? 0
    const exit = yield* Effect.exit(Effect.timeoutOption(stored, Math.max(0, Math.ceil(lastDeadline - now()))))
    if (Exit.isSuccess(exit)) {
      if (Option.isNone(exit.value)) {
        for (const entry of batch) answer(entry, timedOut())
        return
      }
      const outcomes = exit.value.value
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
      yield* awaitArrival(() => queue.length > 0)
      // Collects all items of this turn of the event loop into one batch.
      yield* Effect.yieldNow
      const pauseMillis = startedAt + intervalMillis - now()
      if (pauseMillis > 0) {
        const full = awaitArrival(() => queue.length >= options.maxBatch)
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

  /** Answers items whose deadline passed. */
  const reap = (): void => {
    inFlight = stillWaiting(inFlight)
    const time = now()
    const waiting = queue.findIndex(({ deadline, resume }) => resume !== undefined && deadline > time)
    stillWaiting(dequeue(waiting < 0 ? queue.length : waiting))
  }

  const oldest = (): Waiting | undefined => inFlight.find((entry) => entry.resume !== undefined) ?? queue[0]

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
      for (const entry of [...inFlight, ...dequeue(queue.length)]) answer(entry, unavailable("unreachable"))
    })
  )
  return { submit, queued: () => queue.length }
})
