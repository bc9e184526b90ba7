/**
 * Runs at most some number of effects with a key in common at once, in this process; the others wait in order of arrival. A key
 * takes memory only while effects with it run or wait.
 *
 * @module
 */
import { Effect, RcMap, Semaphore } from "effect"

/** Makes the function that runs an effect while fewer than `limit` others with any of its keys run. */
export const make = (limit: number) =>
  Effect.map(
    RcMap.make({ lookup: (_key: string) => Semaphore.make(limit) }),
    (turns) =>
      (keys: ReadonlyArray<string>) =>
      <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
        // In the order of the keys, so that two effects never wait for each other.
        [...new Set(keys)].sort().reduceRight(
          (next: Effect.Effect<A, E, R>, key) =>
            RcMap.get(turns, key).pipe(
              Effect.flatMap((turn) => turn.withPermits(1)(next)),
              Effect.scoped
            ),
          effect
        )
  )
