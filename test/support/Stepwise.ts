/**
 * Interrupts an effect between each two of its steps.
 *
 * @module
 */
import { Effect, type Scheduler } from "effect"

/** Runs an effect that never ends, and interrupts it before `step`, or when it waits earlier. Returns which of the two happened. */
const interruptBefore = (step: number, effect: Effect.Effect<unknown, unknown>): "interrupted" | "waited" => {
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
  const isBetween = steps > step
  fiber.interruptUnsafe()
  drain()
  if (fiber.pollUnsafe() === undefined) throw new Error("The interrupted fiber has not ended")
  return isBetween ? "interrupted" : "waited"
}

/** Runs an effect that never ends once for each of its steps, interrupts it before that step, and calls `onInterrupted`. */
export const interruptEverywhere = (
  make: () => Effect.Effect<unknown, unknown>,
  onInterrupted: (step: number) => void
): void => {
  for (let step = 0, outcome: string = "interrupted"; outcome === "interrupted"; step++) {
    outcome = interruptBefore(step, make())
    onInterrupted(step)
  }
}
