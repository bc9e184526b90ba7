/**
 * Dispatchers with faults: one that ends at a step, after which none of its calls returns, and one in which each step fails
 * once.
 *
 * @module
 */
import { Deferred, Effect, Exit, Layer, Predicate, Scope } from "effect"
import * as Dispatcher from "../../src/delivery/Dispatcher.ts"
import { OutwardClient } from "../../src/delivery/OutwardClient.ts"
import { Deliveries } from "../../src/services/delivery/Deliveries.ts"
import { StorageUnavailable } from "../../src/services/Storage.ts"
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

/** What happens at the steps before and after a call. `given` is the result of the call. */
interface Fault {
  readonly before: (step: Step) => Effect.Effect<void, StorageUnavailable>
  readonly after: (step: Step, given: unknown) => Effect.Effect<void, StorageUnavailable>
}

/** The services of a process with a fault. `isLeasedLater` makes its fan-outs lease nothing. */
const faulty = (
  fault: Fault,
  isLeasedLater: boolean
): Layer.Layer<Deliveries | OutwardClient, never, Deliveries | OutwardClient> => {
  const around = <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    before: Step,
    after: Step
  ): Effect.Effect<A, E | StorageUnavailable, R> =>
    Effect.suspend(() => fault.before(before)).pipe(
      Effect.andThen(effect),
      Effect.tap((given) => fault.after(after, given))
    )
  return Layer.merge(
    Layer.effect(
      Deliveries,
      Effect.map(Deliveries, (deliveries) =>
        Deliveries.of({
          ...deliveries,
          fanOut: (freeSlots, running) =>
            around(
              deliveries.fanOut(isLeasedLater ? noFreeSlots : freeSlots, running),
              "before the fan-out",
              "after the fan-out"
            ),
          lease: (freeSlots, running) =>
            around(deliveries.lease(freeSlots, running), "before the lease", "after the lease"),
          settle: (leased, settlement) =>
            around(deliveries.settle(leased, settlement), "before the record", "after the record")
        })
      )
    ),
    Layer.effect(
      OutwardClient,
      Effect.map(OutwardClient, (client) =>
        OutwardClient.of({
          post: (url, headers, body) =>
            Effect.orDie(around(client.post(url, headers, body), "before the request", "after the response"))
        })
      )
    )
  )
}

/** Whether a step had work: a fan-out without events and a lease without deliveries do not count as steps. */
const hasWork = (given: unknown): boolean => {
  if (Predicate.hasProperty(given, "events")) return given.events !== 0
  return !(Predicate.hasProperty(given, "leased") && Array.isArray(given.leased) && given.leased.length === 0)
}

const start = (process: ReturnType<typeof faulty>, client: Layer.Layer<OutwardClient>) =>
  Layer.build(Layer.fresh(Dispatcher.layer.pipe(Layer.provide(process), Layer.provide(client))))

/** Starts a process, waits until it reaches a step, and ends it there. */
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
    after: (step, given) => (isDead || (step === at && hasWork(given)) ? die : Effect.void)
  }
  const process = faulty(fault, at.endsWith("the lease"))
  yield* start(process, client).pipe(Scope.provide(scope))
  yield* Deferred.await(reached)
  yield* Scope.close(scope, Exit.void)
})

/** A process in which every step fails once, as when the database restarts at that moment. It ends with the scope. */
export const failingOnce = Effect.fnUntraced(function* (client: Layer.Layer<OutwardClient>) {
  const failed = new Set<Step>()
  const failOnce = (step: Step) => {
    if (failed.has(step)) return Effect.void
    failed.add(step)
    return Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
  }
  const process = faulty(
    { before: failOnce, after: (step, given) => (hasWork(given) ? failOnce(step) : Effect.void) },
    false
  )
  yield* start(process, client)
  return failed
})
