/**
 * Has an effect interrupted between any two of its steps.
 *
 * @module
 */
import { Effect, type Scheduler } from "effect"

/** Runs an effect that waits for ever, interrupts it before a step or when it waits, and tells which it was. */
const interruptedBefore = (step: number, effect: Effect.Effect<unknown, unknown>): "interrupted" | "waited" => {
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
  if (fiber.pollUnsafe() === undefined) throw new Error("It was interrupted and has not ended")
  return isBetween ? "interrupted" : "waited"
}

/** Has an effect that waits for ever interrupted before each of its steps, one after the other, and tells of each. */
export const interruptedAnywhere = (
  make: () => Effect.Effect<unknown, unknown>,
  ended: (step: number) => void
): void => {
  for (let step = 0, came: string = "interrupted"; came === "interrupted"; step++) {
    came = interruptedBefore(step, make())
    ended(step)
  }
}
