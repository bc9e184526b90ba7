/**
 * Always ready: memory layers depend on no store.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { Readiness } from "../services/Readiness.ts"

export const layer: Layer.Layer<Readiness> = Layer.succeed(Readiness, Readiness.of({ check: Effect.void }))
