/**
 * Waits for a state. The waits use real timers, so a `TestClock` does not stop them.
 *
 * @module
 */
import { setTimeout } from "node:timers/promises"
import { Clock, Effect } from "effect"

/** Waits in real time. Only for the duration of a fault; to wait for a result, use `until`. */
export const pause = (millis: number): Effect.Effect<void> => Effect.promise(() => setTimeout(millis))

/**
 * Polls `look` until it returns a value other than undefined and false, and returns that value. Dies after `deadline`
 * milliseconds, with the state `what` in the error.
 */
export const until = <A>(
  what: string | (() => string),
  look: () => A | Promise<A>,
  deadline = 180_000
): Effect.Effect<Exclude<A, undefined | false>> =>
  Effect.promise(async () => {
    const end = performance.now() + deadline
    // The waits grow, because some polls cost much processor time, such as those of a browser.
    for (let wait = 10; ; wait = Math.min(2 * wait, 50)) {
      const value = await look()
      if (value !== undefined && value !== false) return value as Exclude<A, undefined | false>
      if (performance.now() > end) {
        throw new Error(`Timed out after ${deadline} ms: ${typeof what === "string" ? what : what()}`)
      }
      await setTimeout(wait)
    }
  })

/** Waits until the clock shows a later millisecond: rows that are listed by their times have a random order if these are equal. */
export const laterTime: Effect.Effect<void> = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const now = clock.currentTimeMillisUnsafe()
  yield* until("the next millisecond", () => clock.currentTimeMillisUnsafe() > now)
})

/** Runs `look` until its result is `wanted`, and returns the result. It pauses between the runs, to save processor time. */
export const poll = <A, E, R>(look: Effect.Effect<A, E, R>, wanted: (value: A) => boolean): Effect.Effect<A, E, R> =>
  look.pipe(
    Effect.tap((value) => (wanted(value) ? Effect.void : pause(20))),
    Effect.repeat({ until: wanted })
  )
