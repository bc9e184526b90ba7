/**
 * Interrupts an effect before each of its steps.
 *
 * @module
 */
import { Effect, type Scheduler } from "effect"

/** Runs an effect that never ends. Interrupts it before `step`, or once it only waits. Returns whether it reached `step`. */
const interruptBefore = (step: number, effect: Effect.Effect<unknown, unknown>): boolean => {
  const tasks: Array<() => void> = []
  let steps = 0
  const scheduler: Scheduler.Scheduler = {
    executionMode: "async",
    shouldYield: () => steps++ === step,
    makeDispatcher: () => ({ scheduleTask: (task) => void tasks.push(task), flush: () => {} })
  }
  const fiber = Effect.runFork(effect, { scheduler })
  const drain = () => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
  }
  while (steps <= step && tasks.length > 0) tasks.shift()!()
  const hasReached = steps > step
  fiber.interruptUnsafe()
  drain()
  if (fiber.pollUnsafe() === undefined) throw new Error("The interrupted fiber has not ended")
  return hasReached
}

/** For each step of an effect that never ends, runs the effect, interrupts it before that step, and calls `onInterrupted`. */
export const interruptEverywhere = (
  make: () => Effect.Effect<unknown, unknown>,
  onInterrupted: (step: number) => void
): void => {
  for (let step = 0, hasReached = true; hasReached; step++) {
    hasReached = interruptBefore(step, make())
    onInterrupted(step)
  }
}
