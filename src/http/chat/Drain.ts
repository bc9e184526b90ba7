/**
 * Signals long streams to end, so that they write their last frame before the process ends.
 *
 * @module
 */
import { Context, Deferred, type Duration, Effect, Layer } from "effect"

export class Drain extends Context.Service<
  Drain,
  {
    /** Completes when the process has been told to end and the grace period is used up. */
    readonly expired: Effect.Effect<void>
    /** Starts the grace period; called once, when the process has been told to end. */
    readonly start: Effect.Effect<void>
  }
>()("hydracore/http/Drain") {}

export const layer = (options: { readonly grace: Duration.Input }): Layer.Layer<Drain> =>
  Layer.effect(
    Drain,
    Effect.gen(function* () {
      const expired = yield* Deferred.make<void>()
      return Drain.of({
        expired: Deferred.await(expired),
        // It goes on by itself while the finalizers below it wait for the streams to end.
        start: Effect.sleep(options.grace).pipe(
          Effect.andThen(Deferred.succeed(expired, undefined)),
          Effect.interruptible,
          Effect.forkDetach,
          Effect.asVoid
        )
      })
    })
  )

/**
 * Starts the grace period when its scope closes. Build it on top of the server, so that it is finalized first and the
 * server, which then waits for its open requests, sees them end.
 */
export const layerOnShutdown: Layer.Layer<never, never, Drain> = Layer.effectDiscard(
  Effect.flatMap(Drain, (drain) => Effect.addFinalizer(() => drain.start))
)
