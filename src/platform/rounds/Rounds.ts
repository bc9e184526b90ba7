/**
 * The loops that run in the background. A loop sleeps until it is woken: by this process, which wakes it after it has stored
 * work; or by the process that looks every few seconds for work that was left over (see `platform/rounds/postgres/LeftOver`).
 *
 * @module
 */
import { Cause, Clock, Context, Duration, Effect, Latch, type Scope } from "effect"
import { describeUnavailable, StorageUnavailable } from "../Storage.ts"

/** Kinds of work, each with a loop in the processes that do it. */
export type Kind =
  | "events"
  | "deliveries"
  | "replays"
  | "mails"
  | "leads"
  | "rollups"
  | "open-days"
  | "all-open-days"
  | "maintenance"
  | "problems"
  | "left-over"

/** Times are rounded up to a multiple of this many milliseconds, so that the times of many items are a few. */
const step = 50

/** The maximum number of times that a loop keeps: the earliest. What is due later, the next looks for left-over work find. */
const maxTimes = 400

/** What wakes one loop. */
class Waker {
  private isWoken = false
  private times: ReadonlySet<number> = new Set()
  /** Open when `wait` may return less than before. */
  readonly changed = Latch.makeUnsafe(false)

  wake(): void {
    this.isWoken = true
    this.changed.openUnsafe()
  }

  wakeAt(at: number): void {
    const rounded = Math.ceil(at / step) * step
    if (this.times.has(rounded)) return
    const times = [...this.times, rounded].sort((left, right) => left - right)
    this.times = new Set(times.slice(0, maxTimes))
    this.changed.openUnsafe()
  }

  /** Takes what is due. Returns whether anything was, and when something else will be. */
  take(now: number): { readonly isDue: boolean; readonly nextAt: number } {
    this.changed.closeUnsafe()
    const later = [...this.times].filter((at) => at > now)
    const isDue = this.isWoken || later.length < this.times.size
    this.isWoken = false
    this.times = new Set(later)
    return { isDue, nextAt: Math.min(...later, Number.POSITIVE_INFINITY) }
  }
}

/** Wakes the loops of this process. */
export interface Wakeups {
  /** Wakes the loops of a kind, because there may be work now. Call it after the commit. */
  readonly wake: (kind: Kind) => void
  /** Wakes the loops of a kind at a time, in milliseconds since 1970. */
  readonly wakeAt: (kind: Kind, at: number) => void
  /** The number of kinds of which this process has a loop. */
  readonly count: () => number
  /** Adds a loop until the scope closes. */
  readonly add: (kind: Kind) => Effect.Effect<Waker, never, Scope.Scope>
}

export const makeWakeups = (): Wakeups => {
  const wakers = new Map<Kind, ReadonlySet<Waker>>()
  const of = (kind: Kind): ReadonlySet<Waker> => wakers.get(kind) ?? new Set()
  return {
    wake: (kind) => {
      for (const waker of of(kind)) waker.wake()
    },
    wakeAt: (kind, at) => {
      for (const waker of of(kind)) waker.wakeAt(at)
    },
    count: () => [...wakers.values()].filter(({ size }) => size > 0).length,
    add: (kind) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const waker = new Waker()
          wakers.set(kind, new Set([...of(kind), waker]))
          return waker
        }),
        (waker) => Effect.sync(() => wakers.set(kind, new Set([...of(kind)].filter((one) => one !== waker))))
      )
  }
}

/** By default, those of the process, so that the layers that store work do not depend on the loops that do it. */
export const Wakeups = Context.Reference<Wakeups>("hydracore/platform/rounds/Rounds/Wakeups", {
  defaultValue: makeWakeups
})

/** Wakes the loops of some kinds if the effect succeeds. */
export const waking =
  (...kinds: ReadonlyArray<Kind>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Wakeups, ({ wake }) => Effect.tap(effect, () => Effect.sync(() => kinds.forEach(wake))))

const withoutDefects = (logged: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchDefect(logged, () => Effect.void)

/**
 * Logs that background work failed. If a store is unavailable, the line says why, without the place in our code: that is no fault of
 * ours. Never fails, even if a logger throws, because the loop that logs would end.
 */
export const logFailure = (message: string, cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const error = Cause.squash(cause)
  const logged =
    error instanceof StorageUnavailable
      ? Effect.logWarning(`${message}. ${describeUnavailable(error)}`)
      : Effect.logWarning(message, cause)
  return withoutDefects(logged)
}

/** The first and the longest pause after a round that failed; each pause is twice as long as the one before. */
const pauses = { first: Duration.seconds(1), longest: Duration.seconds(10) }

export interface Options<E, R> {
  readonly kind: Kind
  /** What a round does, such as "turn events into deliveries", for the log. */
  readonly what: string
  /** Returns after how long a further round is due, if it did something; else null. */
  readonly round: Effect.Effect<Duration.Input | null, E, R>
  /** The minimum time between two rounds. */
  readonly gap: Duration.Input
  /** Whether a first round is due at once. */
  readonly startsAtOnce: boolean
  /**
   * How often, and at which interval, further rounds follow one that was woken or did something, because work may have to wait for
   * something that wakes no loop. Default: none.
   */
  readonly poll?: { readonly interval: Duration.Input; readonly times: number }
}

/**
 * Runs rounds until the scope closes. A round that fails, even with a defect, is repeated after a pause. The first of
 * consecutive failures is logged, and the success after them.
 */
export const start = Effect.fnUntraced(function* <E, R>({
  gap,
  kind,
  poll = { interval: 0, times: 0 },
  round,
  startsAtOnce,
  what
}: Options<E, R>): Effect.fn.Return<void, never, R | Scope.Scope> {
  const { add } = yield* Wakeups
  const waker = yield* add(kind)
  if (startsAtOnce) waker.wake()
  let nextAt = Number.POSITIVE_INFINITY
  let polls = 0
  let pause: Duration.Duration | null = null

  const untilDue: Effect.Effect<void> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const woken = waker.take(now)
    if (woken.isDue) polls = poll.times
    if (woken.isDue || nextAt <= now) return Effect.void
    const changed = waker.changed.await
    const at = Math.min(nextAt, woken.nextAt)
    return Effect.andThen(Number.isFinite(at) ? Effect.raceFirst(changed, Effect.sleep(at - now)) : changed, untilDue)
  })

  /** Sets when the next round is due, and returns how long to sleep at least. */
  const after = (next: Duration.Input | null) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      if (next !== null) polls = poll.times
      const wait = next ?? (polls-- > 0 ? poll.interval : null)
      nextAt = wait === null ? Number.POSITIVE_INFINITY : now + Duration.toMillis(wait)
      return pause ?? gap
    })
  const attempt = Effect.matchCauseEffect(round, {
    onSuccess: (next) => {
      const wasFailing = pause !== null
      pause = null
      return Effect.andThen(wasFailing ? withoutDefects(Effect.logInfo(`Can ${what} again`)) : Effect.void, after(next))
    },
    onFailure: (cause) => {
      const wasFailing = pause !== null
      pause = pause === null ? pauses.first : Duration.min(Duration.times(pause, 2), pauses.longest)
      return Effect.andThen(
        wasFailing ? Effect.void : logFailure(`Could not ${what}; trying again until it succeeds`, cause),
        after(pause)
      )
    }
  })
  yield* untilDue.pipe(Effect.andThen(attempt), Effect.flatMap(Effect.sleep), Effect.forever, Effect.forkScoped)
})

/**
 * Recovers from every failure of a round, defects included, so that its loop continues. If the loop ended instead, nothing would
 * report it. Logs the first of consecutive failures with `message`.
 */
export const recover = (
  message: string
): (<E, R>(round: Effect.Effect<unknown, E, R>) => Effect.Effect<void, never, R>) => {
  let isFailing = false
  return Effect.matchCauseEffect({
    onSuccess: () =>
      Effect.sync(() => {
        isFailing = false
      }),
    onFailure: (cause) =>
      Effect.suspend(() => {
        const wasFailing = isFailing
        isFailing = true
        return wasFailing ? Effect.void : logFailure(message, cause)
      })
  })
}
