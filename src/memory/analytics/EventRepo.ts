/**
 * Stores events in the memory of this process.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { EventRepo } from "../../services/analytics/EventRepo.ts"
import { RecordRefused } from "../../services/Storage.ts"
import { Events } from "./Events.ts"

export const layer: Layer.Layer<EventRepo, never, Events> = Layer.effect(
  EventRepo,
  Effect.map(Events, (events) => ({
    append: (event) =>
      Effect.suspend(() =>
        events.add(event) ? Effect.void : Effect.fail(new RecordRefused({ reason: "unknown-site" }))
      )
  }))
)
