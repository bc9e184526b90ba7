/**
 * Runs the creations of a website one after another, in this process.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import * as Turns from "../../runtime/Turns.ts"
import { CreationTurns } from "../../services/sites/CreationTurns.ts"

export const layer: Layer.Layer<CreationTurns> = Layer.effect(
  CreationTurns,
  Effect.map(Turns.make, (inTurn) => CreationTurns.of({ inTurn }))
)
