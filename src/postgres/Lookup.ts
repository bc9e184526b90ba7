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
  readonly found: Duration.Input
  /** The time to live of the result that there is none. */
  readonly unknown: Duration.Input
  /** The maximum number of cached results; beyond it the least recently used one is evicted. */
  readonly capacity: number
}

interface Answer<A> {
  readonly value: Effect.Effect<Option.Option<A>>
  /** When it expires, in milliseconds of the monotonic clock. */
  readonly until: number
}

/** The share of results kept in a plain map: a lookup in the `Cache` is expensive for the busiest ids. */
const hotShare = 1 / 16

/**
 * A cached lookup. Concurrent lookups of a key share one query, which is interrupted when no caller waits. Failures are not
 * cached. A caller never gets a result that expired before its call, even if a query hangs or the wall clock is set back.
 */
export const make = Effect.fnUntraced(function* <A>(
  options: Options<A>
): Effect.fn.Return<(key: string) => Effect.Effect<Option.Option<A>, StorageUnavailable>> {
  const clock = yield* Clock.Clock
  const monotonicMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const found = Duration.toMillis(Duration.fromInputUnsafe(options.found))
  const unknown = Duration.toMillis(Duration.fromInputUnsafe(options.unknown))

  const hotCapacity = Math.floor(options.capacity * hotShare)
  const hot = new Map<string, Answer<A>>()
  const keepHot = (key: string, answer: Answer<A>): void => {
    if (hotCapacity === 0) return
    if (hot.size >= hotCapacity) hot.clear()
    hot.set(key, answer)
  }

  const cache = yield* Cache.makeWith(
    (key: string) =>
      Effect.suspend(() => {
        const startedAt = monotonicMillis()
        return Effect.map(
          options.find(key),
          (value): Answer<A> => ({
            until: startedAt + (Option.isSome(value) ? found : unknown),
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
  const answer = (key: string, now: number): Effect.Effect<Option.Option<A>, StorageUnavailable> =>
    Effect.flatMap(Cache.get(cache, key), (known) => {
      if (now < known.until) {
        keepHot(key, known)
        return known.value
      }
      return Effect.andThen(
        Cache.invalidateWhen(cache, key, (current) => current === known),
        answer(key, now)
      )
    })

  // Not the first caller's: the query is shared, so it must not have that caller's span and log annotations.
  const context = yield* Effect.context<never>()
  return (key: string) =>
    Effect.suspend(() => {
      const now = monotonicMillis()
      const known = hot.get(key)
      return known !== undefined && now < known.until
        ? known.value
        : Effect.updateContext(answer(key, now), () => context)
    })
})
