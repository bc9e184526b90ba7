/**
 * Runs an effect on behalf of several callers, and interrupts it when none of them needs the result. The user of
 * this module tracks the callers, and calls `check` when one of them may have stopped waiting.
 *
 * @module
 */
import { Effect, Exit, Fiber } from "effect"

/** The result of a cancelled effect. */
export const abandoned = Symbol("abandoned")

export interface CancellableRunner {
  /** Runs an effect; `check` cancels it once `isWanted` is false. Must not be called while an effect runs. */
  readonly run: <A, E>(isWanted: () => boolean, effect: Effect.Effect<A, E>) => Effect.Effect<A | typeof abandoned, E>
  /** Cancels the running effect if it is no longer wanted. */
  readonly check: () => void
}

export const make: Effect.Effect<CancellableRunner> = Effect.sync(() => {
  let running: { readonly isWanted: () => boolean; readonly abandon: () => void } | undefined
  return {
    run: <A, E>(isWanted: () => boolean, effect: Effect.Effect<A, E>) =>
      Effect.flatMap(Effect.forkChild(effect, { startImmediately: true }), (fiber) => {
        let isAbandoned = false
        running = {
          isWanted,
          abandon: () => {
            isAbandoned = true
            fiber.interruptUnsafe()
          }
        }
        return Fiber.await(fiber).pipe(
          Effect.flatMap((exit): Exit.Exit<A | typeof abandoned, E> => {
            running = undefined
            return isAbandoned && Exit.isFailure(exit) ? Exit.succeed(abandoned) : exit
          }),
          Effect.onInterrupt(() => Fiber.interrupt(fiber))
        )
      }),
    check: () => {
      if (running?.isWanted() === false) running.abandon()
    }
  }
})
