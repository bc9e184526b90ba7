/**
 * Builds groups of endpoints that many requests use.
 *
 * @module
 */
import { Context, Effect, Layer, Scope } from "effect"

/**
 * Builds the layer of a group with these services only. `HttpApiBuilder` copies all services with which a group was built, about
 * seventy, into the context of each of its requests.
 */
export const withOnly = <A, E, R>(layer: Layer.Layer<A, E, R>, services: Context.Context<R>): Layer.Layer<A, E> =>
  Layer.effectContext(
    Effect.flatMap(Effect.scope, (scope) =>
      Effect.updateContext(Layer.build(layer), () => Context.add(services, Scope.Scope, scope))
    )
  )
