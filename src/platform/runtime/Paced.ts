/**
 * Splits a long computation over a stream into bursts, so that other requests run in between.
 *
 * @module
 */
import { type Array, Effect, Stream } from "effect"

/** The total size of the elements, commonly in characters, that are mapped before other fibers run. */
export const burst = 16_384

/**
 * Maps the elements. Within an array, yields to other fibers when the elements since the last yield have a total size of `burst`
 * or more.
 */
export const map =
  <A, B>(sizeOf: (element: A) => number, toResult: (element: A) => B) =>
  <E, R>(elements: Stream.Stream<A, E, R>): Stream.Stream<B, E, R> =>
    Stream.mapArrayEffect(
      elements,
      Effect.fnUntraced(function* ([first, ...more]: Array.NonEmptyReadonlyArray<A>) {
        const results: Array.NonEmptyArray<B> = [toResult(first)]
        let size = sizeOf(first)
        for (const element of more) {
          if (size >= burst) {
            yield* Effect.yieldNow
            size = 0
          }
          results.push(toResult(element))
          size += sizeOf(element)
        }
        return results
      })
    )
