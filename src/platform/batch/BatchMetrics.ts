/**
 * Metrics of a group commit: batch sizes, flush durations and the number of queued items.
 *
 * @module
 */
import { Effect, type Scope } from "effect"
import * as Metrics from "../telemetry/Metrics.ts"
import { observeGauge } from "../telemetry/Metrics.ts"

/** The outcome of a flush; `abandoned` if it was cancelled because no caller waited. */
export type FlushOutcome = "stored" | "refused" | "unavailable" | "abandoned" | "died"

export interface Observer {
  /** Observes the number of queued items until the scope closes. */
  readonly observeQueue: (count: () => number) => Effect.Effect<void, never, Scope.Scope>
  readonly flushed: (items: number, millis: number, outcome: FlushOutcome) => void
}

const outcomes: ReadonlyArray<FlushOutcome> = ["stored", "refused", "unavailable", "abandoned", "died"]

/** The kind of items that a group commit stores. */
export type Kind =
  | "page-views"
  | "bot-views"
  | "events"
  | "submissions"
  | "turns"
  | "answers"
  | "answer-pieces"
  | "deliveries"

/** An observer of the batches of one kind. */
export const observer = (kind: Kind): Effect.Effect<Observer> =>
  Effect.contextWith((context) => {
    const size = Metrics.batchSize({ kind })
    const durations = new Map(outcomes.map((outcome) => [outcome, Metrics.batchDuration({ kind, outcome })]))
    // Creates each series before its first value: a rate needs the initial zero.
    for (const metric of [size, ...durations.values()]) metric.valueUnsafe(context)
    return Effect.succeed({
      observeQueue: (count) => observeGauge(Metrics.batchQueue({ kind }), count),
      flushed: (items, millis, outcome) => {
        size.updateUnsafe(items, context)
        durations.get(outcome)?.updateUnsafe(Metrics.seconds(millis), context)
      }
    })
  })
