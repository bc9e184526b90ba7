/**
 * Waits for a state. The waits use real timers, so a `TestClock` does not stop them.
 *
 * @module
 */
import { setTimeout } from "node:timers/promises"
import { Effect } from "effect"

/** Waits in real time. Only for the duration of a fault; to wait for a result, use `until`. */
export const pause = (millis: number): Effect.Effect<void> => Effect.promise(() => setTimeout(millis))

/**
 * Polls `look` until it returns something other than undefined and false, and returns that. Dies after `deadline`
 * milliseconds, naming `what`.
 */
export const until = <A>(
  what: string | (() => string),
  look: () => A | Promise<A>,
  deadline = 90_000
): Effect.Effect<Exclude<A, undefined | false>> =>
  Effect.promise(async () => {
    const end = performance.now() + deadline
    // The waits grow, since some looks cost much processor time, such as those into a browser.
    for (let wait = 10; ; wait = Math.min(2 * wait, 50)) {
      const seen = await look()
      if (seen !== undefined && seen !== false) return seen as Exclude<A, undefined | false>
      if (performance.now() > end) {
        throw new Error(`Timed out after ${deadline} ms: ${typeof what === "string" ? what : what()}`)
      }
      await setTimeout(wait)
    }
  })

/** Runs `look` until its result is `wanted`, and returns that. The pauses between leave the processor to other tests. */
export const poll = <A, E, R>(look: Effect.Effect<A, E, R>, wanted: (seen: A) => boolean): Effect.Effect<A, E, R> =>
  look.pipe(
    Effect.tap((seen) => (wanted(seen) ? Effect.void : pause(20))),
    Effect.repeat({ until: wanted })
  )
