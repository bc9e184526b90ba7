/**
 * Signals long streams to end, so that they write their last frame before the process ends.
 *
 * @module
 */
import { Context, Deferred, type Duration, Effect } from "effect"

export class Drain extends Context.Service<
  Drain,
  {
    /** Completes at the end of the grace period. */
    readonly expired: Effect.Effect<void>
    /** Starts the grace period. Called once, when the process shuts down. */
    readonly start: Effect.Effect<void>
  }
>()("hydracore/http/Drain") {}

export const make = (options: { readonly grace: Duration.Input }): Effect.Effect<Drain["Service"]> =>
  Effect.map(Deferred.make<void>(), (expired) =>
    Drain.of({
      expired: Deferred.await(expired),
      // Detached, because it runs while the finalizers of the server wait for the streams to end.
      start: Effect.sleep(options.grace).pipe(
        Effect.andThen(Deferred.succeed(expired, undefined)),
        Effect.interruptible,
        Effect.forkDetach,
        Effect.asVoid
      )
    })
  )
