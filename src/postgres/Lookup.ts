/**
 * A cache for lookups by id with a short time to live, so that a busy id does not cost one query per request. No SQL here.
 *
 * @module
 */
import { Cache, Clock, Duration, Effect, Exit, Option } from "effect"
import type { StorageUnavailable } from "../services/Storage.ts"

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

/** A result, with the time at which it expires. */
interface Cached<A> {
  readonly value: Effect.Effect<Option.Option<A>>
  /** In milliseconds of the monotonic clock. */
  readonly until: number
}

/** The share of the capacity that is a plain map, for the busiest ids, because a lookup in the `Cache` is more expensive. */
const hotShare = 1 / 16

/**
 * A cached lookup. Concurrent lookups of a key share one query, which is interrupted when no caller waits. Failures are not
 * cached. A caller never gets a result that expired before its call, even if a query hangs or the wall clock is set back.
 */
export const make = Effect.fnUntraced(function* <A>(options: Options<A>): Effect.fn.Return<Lookup<A>> {
  const clock = yield* Clock.Clock
  const monotonicMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const foundTtl = Duration.toMillis(Duration.fromInputUnsafe(options.foundTtl))
  const unknownTtl = Duration.toMillis(Duration.fromInputUnsafe(options.unknownTtl))

  const hotCapacity = Math.floor(options.capacity * hotShare)
  const hot = new Map<string, Cached<A>>()
  const keepHot = (key: string, result: Cached<A>): void => {
    if (hotCapacity === 0) return
    if (hot.size >= hotCapacity) hot.clear()
    hot.set(key, result)
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
            value: Effect.succeed(value)
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
      return known !== undefined && now < known.until
        ? known.value
        : Effect.updateContext(resultAt(key, now), () => context)
    })
  const invalidate = (key: string) =>
    Effect.suspend(() => {
      invalidations++
      hot.delete(key)
      return Cache.invalidate(cache, key)
    })
  return Object.assign(lookup, { invalidate })
})
