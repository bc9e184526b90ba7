/**
 * The rounds of a loop that runs in the background.
 *
 * @module
 */
import { Effect } from "effect"

/**
 * Recovers from every failure of a round, defects included, so that its loop continues. If the loop ended instead, nothing would
 * report it. Logs the first of consecutive failures with `message`.
 */
export const recover = (
  message: string
): (<E, R>(round: Effect.Effect<unknown, E, R>) => Effect.Effect<void, never, R>) => {
  let isFailing = false
  return Effect.matchCauseEffect({
    onSuccess: () =>
      Effect.sync(() => {
        isFailing = false
      }),
    onFailure: (cause) =>
      Effect.suspend(() => {
        const wasFailing = isFailing
        isFailing = true
        return wasFailing ? Effect.void : Effect.logWarning(message, cause)
      })
  })
}
