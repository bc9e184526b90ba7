/**
 * Dispatchers with faults: one that is killed at a step, after which none of its calls returns, and one in which each step fails
 * once.
 *
 * @module
 */
import { Deferred, Effect, Exit, Layer, Predicate, Scope } from "effect"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import * as Dispatcher from "../../src/delivery/Dispatcher.ts"
import { OutwardClient } from "../../src/platform/outward/OutwardClient.ts"
import { StorageUnavailable } from "../../src/platform/Storage.ts"
import { noFreeSlots } from "./Delivery.ts"

/** The steps from the commit of an event to the record of its delivery. */
export const steps = [
  "before the fan-out",
  "after the fan-out",
  "before the lease",
  "after the lease",
  "before the request",
  "after the response",
  "before the record",
  "after the record"
] as const

export type Step = (typeof steps)[number]

/** The effects of a fault at the steps before and after a call. `result` is the result of the call. */
interface Fault {
  readonly before: (step: Step) => Effect.Effect<void, StorageUnavailable>
  readonly after: (step: Step, result: unknown) => Effect.Effect<void, StorageUnavailable>
}

/** The services of a process with a fault. With `leasesSeparately`, its fan-outs lease nothing. */
const withFault = (
  fault: Fault,
  leasesSeparately: boolean
): Layer.Layer<Deliveries | OutwardClient, never, Deliveries | OutwardClient> => {
  const withSteps = <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    before: Step,
    after: Step
  ): Effect.Effect<A, E | StorageUnavailable, R> =>
    Effect.suspend(() => fault.before(before)).pipe(
      Effect.andThen(effect),
      Effect.tap((result) => fault.after(after, result))
    )
  return Layer.merge(
    Layer.effect(
      Deliveries,
      Effect.map(Deliveries, (deliveries) =>
        Deliveries.of({
          ...deliveries,
          fanOut: (freeSlots, running) =>
            withSteps(
              deliveries.fanOut(leasesSeparately ? noFreeSlots : freeSlots, running),
              "before the fan-out",
              "after the fan-out"
            ),
          lease: (freeSlots, running) =>
            withSteps(deliveries.lease(freeSlots, running), "before the lease", "after the lease"),
          settle: (leased, settlement) =>
            withSteps(deliveries.settle(leased, settlement), "before the record", "after the record")
        })
      )
    ),
    Layer.effect(
      OutwardClient,
      Effect.map(OutwardClient, (client) =>
        OutwardClient.of({
          post: (...request) =>
            Effect.orDie(withSteps(client.post(...request), "before the request", "after the response"))
        })
      )
    )
  )
}

/** Whether the call of a step had work. A fan-out without events and a lease without deliveries do not count. */
const hasWork = (result: unknown): boolean => {
  if (Predicate.hasProperty(result, "events")) return result.events !== 0
  return !(Predicate.hasProperty(result, "leased") && Array.isArray(result.leased) && result.leased.length === 0)
}

const start = (process: ReturnType<typeof withFault>, client: Layer.Layer<OutwardClient>) =>
  Layer.build(Layer.fresh(Dispatcher.layer.pipe(Layer.provide(process), Layer.provide(client))))

/** Starts a process, waits until it reaches a step, and kills it there. */
export const dieAt = Effect.fnUntraced(function* (at: Step, client: Layer.Layer<OutwardClient>) {
  const reached = yield* Deferred.make<void>()
  let isDead = false
  const die = Effect.suspend(() => {
    isDead = true
    return Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
  })
  const scope = yield* Scope.make()
  const fault: Fault = {
    before: (step) => (isDead || step === at ? die : Effect.void),
    after: (step, result) => (isDead || (step === at && hasWork(result)) ? die : Effect.void)
  }
  const process = withFault(fault, at.endsWith("the lease"))
  yield* start(process, client).pipe(Scope.provide(scope))
  yield* Deferred.await(reached)
  yield* Scope.close(scope, Exit.void)
})

/**
 * Starts a process in which every step fails once, as when the database restarts at that moment. The process ends with the
 * scope. Returns the steps that have failed so far.
 */
export const failingOnce = Effect.fnUntraced(function* (client: Layer.Layer<OutwardClient>) {
  const failed = new Set<Step>()
  const failOnce = (step: Step) => {
    if (failed.has(step)) return Effect.void
    failed.add(step)
    return Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
  }
  const process = withFault(
    { before: failOnce, after: (step, result) => (hasWork(result) ? failOnce(step) : Effect.void) },
    false
  )
  yield* start(process, client)
  return failed
})
