/**
 * Remembers for a short time what was looked up, so that a busy id costs the database one query now and then, and not one
 * a request. No SQL here.
 *
 * @module
 */
import { Cache, Clock, Duration, Effect, Exit, Option } from "effect"
import type { StorageUnavailable } from "../services/Storage.ts"

export interface Options<A> {
  readonly find: (key: string) => Effect.Effect<Option.Option<A>, StorageUnavailable>
  /** How old an answer may get, counted from when it was asked for. */
  readonly found: Duration.Input
  /** The same for the answer that there is none. */
  readonly unknown: Duration.Input
  /** The most answers that are remembered; beyond it the one that was unused longest is forgotten. */
  readonly capacity: number
}

interface Answer<A> {
  readonly value: Effect.Effect<Option.Option<A>>
  /** From then on it is too old, in milliseconds of the monotonic clock. */
  readonly until: number
}

/** Which part of the answers is at hand without a look into the cache, which is dear for what is asked all the time. */
const partAtHand = 1 / 16

/**
 * A lookup that remembers. Those who ask for the same key at once share one query, which is interrupted when none of them
 * waits any more. Failures are not remembered. Nobody gets an answer that was already too old when they asked: not from a
 * query that hangs, and not when the wall clock was set back.
 */
export const make = Effect.fnUntraced(function* <A>(
  options: Options<A>
): Effect.fn.Return<(key: string) => Effect.Effect<Option.Option<A>, StorageUnavailable>> {
  const clock = yield* Clock.Clock
  const monotonicMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const found = Duration.toMillis(Duration.fromInputUnsafe(options.found))
  const unknown = Duration.toMillis(Duration.fromInputUnsafe(options.unknown))

  const atHand = Math.floor(options.capacity * partAtHand)
  const last = new Map<string, Answer<A>>()
  const keepAtHand = (key: string, answer: Answer<A>): void => {
    if (atHand === 0) return
    if (last.size >= atHand) last.clear()
    last.set(key, answer)
  }

  const cache = yield* Cache.makeWith(
    (key: string) =>
      Effect.suspend(() => {
        const askedAt = monotonicMillis()
        return Effect.map(
          options.find(key),
          (value): Answer<A> => ({
            until: askedAt + (Option.isSome(value) ? found : unknown),
            value: Effect.succeed(value)
          })
        )
      }),
    {
      capacity: options.capacity - atHand,
      timeToLive: (exit) =>
        Exit.isSuccess(exit) ? Duration.millis(Math.max(0, exit.value.until - monotonicMillis())) : Duration.zero
    }
  )

  /** The answer for one who asked at `now`. A query that begins after that is never too old, so this ends. */
  const answer = (key: string, now: number): Effect.Effect<Option.Option<A>, StorageUnavailable> =>
    Effect.flatMap(Cache.get(cache, key), (known) => {
      if (now < known.until) {
        keepAtHand(key, known)
        return known.value
      }
      return Effect.andThen(
        Cache.invalidateWhen(cache, key, (current) => current === known),
        answer(key, now)
      )
    })

  // The cache runs a lookup in the context of whoever asks first and keeps it with the answer. That would be a whole
  // request, with its body; so it is given this context instead.
  const context = yield* Effect.context<never>()
  return (key: string) =>
    Effect.suspend(() => {
      const now = monotonicMillis()
      const known = last.get(key)
      return known !== undefined && now < known.until
        ? known.value
        : Effect.updateContext(answer(key, now), () => context)
    })
})
