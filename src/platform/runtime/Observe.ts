/**
 * Metrics whose value is read on demand, such as the size of a queue.
 *
 * @module
 */
import { type Context, Effect, Metric, type Scope } from "effect"
import { constVoid } from "effect/Function"

/** Registers a metric whose state is the result of `read`, and returns the function that removes it. */
export const observeUnsafe = <Input, State>(
  metric: Metric.Metric<Input, State>,
  read: () => State,
  context: Context.Context<never>
): (() => void) => Metric.registerUnsafe(metric, context, { get: read, update: constVoid, modify: constVoid }).remove

/** Registers a metric as long as the scope is open. */
export const observe = <Input, State>(
  metric: Metric.Metric<Input, State>,
  read: () => State
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => observeUnsafe(metric, read, context)),
        (remove) => Effect.sync(remove)
      )
    )
  )

export const observeCounter = (metric: Metric.Counter<number>, read: () => number) =>
  observe(metric, () => ({ count: read(), incremental: true }))

export const observeGauge = (metric: Metric.Gauge<number>, read: () => number) =>
  observe(metric, () => ({ value: read() }))
