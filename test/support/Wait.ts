/**
 * Waits for a state, never for a time. Effects here use the process's timers, so that a test's clock does not stop them.
 *
 * @module
 */
import { setTimeout } from "node:timers/promises"
import { Effect } from "effect"

/** Lets real time pass, in milliseconds: how long a fault lasts, never how long something is hoped to take. */
export const pause = (millis: number): Effect.Effect<void> => Effect.promise(() => setTimeout(millis))

/** Looks until `look` gives something other than undefined or false; dies after `deadline` milliseconds, naming `what`. */
export const until = <A>(
  what: string,
  look: () => A | undefined | false | Promise<A | undefined | false>,
  deadline = 30_000
): Effect.Effect<A> =>
  Effect.promise(async () => {
    const end = performance.now() + deadline
    for (;;) {
      const seen = await look()
      if (seen !== undefined && seen !== false) return seen
      if (performance.now() > end) throw new Error(`Waited ${deadline} ms in vain: ${what}`)
      await setTimeout(20)
    }
  })
