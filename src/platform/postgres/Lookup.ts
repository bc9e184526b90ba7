/**
 * A cache for lookups by id with a short time to live, so that a busy id does not cost one query per request. No SQL here.
 *
 * @module
 */
import { Array as Arr, Cache, Clock, Duration, Effect, Exit, Latch, Option, type Scope } from "effect"
import type { StorageUnavailable } from "../Storage.ts"

export interface Options<A> {
  readonly find: (key: string) => Effect.Effect<Option.Option<A>, StorageUnavailable>
  /** The time to live of a found value, from the start of its query. */
  readonly foundTtl: Duration.Input
  /** The time to live of the result that there is no such value. */
  readonly unknownTtl: Duration.Input
  /** The maximum number of cached results. */
  readonly capacity: number
}

export interface Lookup<A> {
  (key: string): Effect.Effect<Option.Option<A>, StorageUnavailable>
  /** Drops the cached result of a key: the next lookup reads the database. */
  readonly invalidate: (key: string) => Effect.Effect<void>
}

/** Returns the values that it finds, by key. */
type FindAll<A> = (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, A>, StorageUnavailable>

/** A result, with the time at which it expires. */
interface Cached<A> {
  readonly value: Effect.Effect<Option.Option<A>>
  /** In milliseconds of the monotonic clock. */
  readonly until: number
  readonly isFound: boolean
  /** When the value was last looked up. */
  usedAt: number
}

/**
 * The share of the capacity that is a plain map, for the busiest ids, because a lookup in the `Cache` is more expensive. Only values
 * in this map are refreshed.
 */
const hotShares = { expiring: 1 / 16, refreshed: 1 / 2 }

/** The age of a value that is read again, as a share of its time to live. */
const refreshShare = 3 / 4

/** How often values of that age are looked for. */
const refreshInterval = Duration.seconds(1)

/** A value that was not used for this many milliseconds is not read again. */
const longestIdle = 60_000

/** Maximum number of keys of a query: decoding more values at once would delay requests. */
const maxRefreshed = 250

const build = Effect.fnUntraced(function* <A>(
  options: Options<A>,
  hotShare: number
): Effect.fn.Return<{
  readonly lookup: Lookup<A>
  /** Reads values that are in use again, until interrupted. */
  readonly refreshing: (findAll: FindAll<A>) => Effect.Effect<never>
}> {
  const clock = yield* Clock.Clock
  const monotonicMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const foundTtl = Duration.toMillis(Duration.fromInputUnsafe(options.foundTtl))
  const unknownTtl = Duration.toMillis(Duration.fromInputUnsafe(options.unknownTtl))

  const hotCapacity = Math.floor(options.capacity * hotShare)
  const hot = new Map<string, Cached<A>>()
  const hasHot = Latch.makeUnsafe(false)
  const keepHot = (key: string, result: Cached<A>): void => {
    if (hotCapacity === 0) return
    if (hot.size >= hotCapacity) hot.clear()
    hot.set(key, result)
    hasHot.openUnsafe()
  }
  /** The number of calls of `invalidate`. After a call, the result of a query that began before it may be out of date. */
  let invalidations = 0

  const cache = yield* Cache.makeWith(
    (key: string) =>
      Effect.suspend(() => {
        const startedAt = monotonicMillis()
        return Effect.map(
          options.find(key),
          (value): Cached<A> => ({
            until: startedAt + (Option.isSome(value) ? foundTtl : unknownTtl),
            value: Effect.succeed(value),
            isFound: Option.isSome(value),
            usedAt: startedAt
          })
        )
      }),
    {
      capacity: options.capacity - hotCapacity,
      timeToLive: (exit) =>
        Exit.isSuccess(exit) ? Duration.millis(Math.max(0, exit.value.until - monotonicMillis())) : Duration.zero
    }
  )

  /** The result for a caller that called at `now`. Terminates, since a query that starts later is never too old. */
  const resultAt = (key: string, now: number): Effect.Effect<Option.Option<A>, StorageUnavailable> =>
    Effect.suspend(() => {
      const before = invalidations
      return Effect.flatMap(Cache.get(cache, key), (known) => {
        if (now < known.until) {
          if (invalidations === before) keepHot(key, known)
          return known.value
        }
        return Effect.andThen(
          Cache.invalidateWhen(cache, key, (current) => current === known),
          resultAt(key, now)
        )
      })
    })

  // The context of this cache, not of a query's first caller: other callers share the query, which must not have the first
  // caller's span and log annotations.
  const context = yield* Effect.context<never>()
  const lookup = (key: string): Effect.Effect<Option.Option<A>, StorageUnavailable> =>
    Effect.suspend(() => {
      const now = monotonicMillis()
      const known = hot.get(key)
      if (known === undefined || now >= known.until) return Effect.updateContext(resultAt(key, now), () => context)
      known.usedAt = now
      return known.value
    })
  const invalidate = (key: string) =>
    Effect.suspend(() => {
      invalidations++
      hot.delete(key)
      return Cache.invalidate(cache, key)
    })

  /** Reads the values of some keys again. The keys that are not found any more are looked up when they are used. */
  const refresh = Effect.fnUntraced(function* (keys: ReadonlyArray<string>, findAll: FindAll<A>) {
    const startedAt = monotonicMillis()
    const before = invalidations
    const found = yield* findAll(keys)
    if (invalidations !== before) return
    for (const key of keys) {
      // Its value has expired, or will.
      yield* Cache.invalidate(cache, key)
      const [value, known] = [found.get(key), hot.get(key)]
      if (known === undefined) continue
      if (value === undefined) hot.delete(key)
      else hot.set(key, { ...known, until: startedAt + foundTtl, value: Effect.succeed(Option.some(value)) })
    }
  })
  /** Drops the values that are not in use, and returns the keys of those that should be read again. */
  const dueKeys = () => {
    const now = monotonicMillis()
    const due: Array<string> = []
    for (const [key, { isFound, until, usedAt }] of hot) {
      if (now - usedAt >= longestIdle || (!isFound && now >= until)) hot.delete(key)
      else if (isFound && now >= until - foundTtl * (1 - refreshShare)) due.push(key)
    }
    if (hot.size === 0) hasHot.closeUnsafe()
    return due
  }
  const refreshing = (findAll: FindAll<A>) =>
    hasHot.await.pipe(
      Effect.andThen(Effect.sleep(refreshInterval)),
      Effect.andThen(
        Effect.suspend(() => Effect.forEach(Arr.chunksOf(dueKeys(), maxRefreshed), (keys) => refresh(keys, findAll)))
      ),
      // Requests with these keys look them up again after they expired, and get the failure.
      Effect.ignore,
      Effect.forever
    )
  return { lookup: Object.assign(lookup, { invalidate }), refreshing }
})

/**
 * A cached lookup. Concurrent lookups of a key share one query, which is interrupted when no caller waits. Failures are not
 * cached. A caller never gets a result that expired before its call, even if a query hangs or the wall clock is set back.
 */
export const make = <A>(options: Options<A>): Effect.Effect<Lookup<A>> =>
  Effect.map(build(options, hotShares.expiring), ({ lookup }) => lookup)

/**
 * A cached lookup that reads values in use again before they expire, many with one query: a query for each of thousands of keys would
 * cost more than the requests that use them. It stops a minute after the last use of a key.
 */
export const makeRefreshed = Effect.fnUntraced(function* <A>(
  options: Options<A> & { readonly findAll: FindAll<A> }
): Effect.fn.Return<Lookup<A>, never, Scope.Scope> {
  const { lookup, refreshing } = yield* build(options, hotShares.refreshed)
  yield* Effect.forkScoped(refreshing(options.findAll))
  return lookup
})
