/**
 * Signals long streams to end, so that they write their last frame before the process ends.
 *
 * @module
 */
import { Context, Deferred, type Duration, Effect, FiberSet, type Scope } from "effect"

export class Drain extends Context.Service<
  Drain,
  {
    /** Completes at the end of the grace period. */
    readonly expired: Effect.Effect<void>
    /** Starts the grace period. Called once, when the process shuts down. */
    readonly start: Effect.Effect<void>
  }
>()("hydracore/chat/Drain") {}

/** The grace period may start while the scope closes, in a finalizer that was added after this. */
export const make = Effect.fnUntraced(function* (options: {
  readonly grace: Duration.Input
}): Effect.fn.Return<Drain["Service"], never, Scope.Scope> {
  const expired = yield* Deferred.make<void>()
  const fork = yield* FiberSet.makeRuntime()
  return Drain.of({
    expired: Deferred.await(expired),
    start: Effect.sync(() => fork(Effect.delay(Deferred.succeed(expired, undefined), options.grace)))
  })
})
