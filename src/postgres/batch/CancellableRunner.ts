/**
 * Runs one effect at a time for others who wait for it, and gives it up when none of them does any more. Generic: whether
 * somebody waits is the caller's to know, and to say when that may have changed.
 *
 * @module
 */
import { Effect, Exit, Fiber } from "effect"

/** What an effect that was given up came to. */
export const abandoned = Symbol("abandoned")

export interface CancellableRunner {
  /** Runs an effect for as long as `isWanted`; a second one not before the first has ended. */
  readonly run: <A, E>(isWanted: () => boolean, effect: Effect.Effect<A, E>) => Effect.Effect<A | typeof abandoned, E>
  /** Asks whether the one that runs is still wanted, and gives it up if it is not. */
  readonly check: () => void
}

export const make: Effect.Effect<CancellableRunner> = Effect.gen(function* () {
  const fork = Effect.runForkWith(yield* Effect.context())
  let underway: { readonly isWanted: () => boolean; readonly abandon: () => void } | undefined
  return {
    run: <A, E>(isWanted: () => boolean, effect: Effect.Effect<A, E>) =>
      Effect.callback<A | typeof abandoned, E>((resume) => {
        const fiber = fork(effect)
        let isAbandoned = false
        underway = {
          isWanted,
          abandon: () => {
            isAbandoned = true
            fiber.interruptUnsafe()
          }
        }
        fiber.addObserver((exit) => {
          underway = undefined
          resume(isAbandoned && Exit.isFailure(exit) ? Effect.succeed(abandoned) : exit)
        })
        return Fiber.interrupt(fiber)
      }),
    check: () => {
      if (underway?.isWanted() === false) underway.abandon()
    }
  }
})
