/**
 * Runs the creations of a website one after another. Each creation first reads how much the website has: without turns,
 * concurrent requests would all read the same number and exceed the limit together.
 *
 * Only in this process: on several processes, each of the others may exceed the limit by one.
 *
 * @module
 */
import { Effect, RcMap, Semaphore } from "effect"

export const make = Effect.map(
  RcMap.make({ lookup: (_websiteConfigId: string) => Semaphore.make(1) }),
  (turns) =>
    <A, E>(websiteConfigId: string, creation: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      RcMap.get(turns, websiteConfigId).pipe(
        Effect.flatMap((turn) => turn.withPermits(1)(creation)),
        Effect.scoped
      )
)
