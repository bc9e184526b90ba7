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
  /** Milliseconds of the monotonic clock. */
  readonly askedAt: number
  readonly value: Option.Option<A>
}

/**
 * A lookup that remembers. Those who ask for the same key at once share one query, which is interrupted when none of them
 * waits any more. Failures are not remembered. Nobody gets an answer that was already too old when they asked: not from a
 * query that hangs, and not when the wall clock was set back.
 */
export const make = <A>(
  options: Options<A>
): Effect.Effect<(key: string) => Effect.Effect<Option.Option<A>, StorageUnavailable>> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const monotonicMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
    const found = Duration.toMillis(Duration.fromInputUnsafe(options.found))
    const unknown = Duration.toMillis(Duration.fromInputUnsafe(options.unknown))
    const maxAge = (answer: Answer<A>) => (Option.isSome(answer.value) ? found : unknown)

    const cache = yield* Cache.makeWith(
      (key: string) =>
        Effect.suspend(() => {
          const askedAt = monotonicMillis()
          return Effect.map(options.find(key), (value): Answer<A> => ({ askedAt, value }))
        }),
      {
        capacity: options.capacity,
        timeToLive: (exit) =>
          Exit.isSuccess(exit)
            ? Duration.millis(Math.max(0, exit.value.askedAt + maxAge(exit.value) - monotonicMillis()))
            : Duration.zero
      }
    )

    /** The answer for one who asked at `now`. A query that begins after that is never too old, so this ends. */
    const answer = (key: string, now: number): Effect.Effect<Option.Option<A>, StorageUnavailable> =>
      Effect.flatMap(Cache.get(cache, key), (known) =>
        now - known.askedAt < maxAge(known)
          ? Effect.succeed(known.value)
          : Effect.andThen(
              Cache.invalidateWhen(cache, key, (current) => current === known),
              answer(key, now)
            )
      )

    // The cache runs a lookup in the context of whoever asks first and keeps it with the answer. That would be a whole
    // request, with its body; so it is given this context instead.
    const context = yield* Effect.context<never>()
    return (key: string) =>
      Effect.suspend(() => answer(key, monotonicMillis())).pipe(Effect.updateContext(() => context))
  })
