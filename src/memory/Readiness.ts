/**
 * The readiness of the memory layers: they are ready unless the table of submissions is full.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { NotReady, Readiness } from "../services/Readiness.ts"
import { Submissions } from "./forms/SubmissionRepo.ts"

export const layer: Layer.Layer<Readiness, never, Submissions> = Layer.effect(
  Readiness,
  Effect.map(Submissions, ({ isFull }) =>
    Readiness.of({
      check: Effect.suspend(() =>
        isFull() ? Effect.fail(new NotReady({ reason: "database-not-storing" })) : Effect.void
      )
    })
  )
)
