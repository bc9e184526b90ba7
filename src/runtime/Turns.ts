/**
 * Runs effects with a key in common one after another, in this process. Keys that nobody waits for take no memory.
 *
 * @module
 */
import { Effect, RcMap, Semaphore } from "effect"

/** Runs an effect while no other effect with one of the keys runs. */
export const make = Effect.map(
  RcMap.make({ lookup: (_key: string) => Semaphore.make(1) }),
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
