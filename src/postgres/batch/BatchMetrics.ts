/**
 * Measures the batches of a group commit: how many items each had, how long the database took for it, and how many wait.
 *
 * @module
 */
import { Effect } from "effect"
import { Metrics } from "../../services/Metrics.ts"

/** What became of a flush; `abandoned` if nobody waited for it any more. */
export type Flushed = "stored" | "refused" | "unavailable" | "abandoned" | "died"

/** Whoever measures. */
export interface Observer {
  /** Is given how to learn how many items wait for a batch. */
  readonly waiting: (count: () => number) => void
  readonly flushed: (items: number, millis: number, what: Flushed) => void
}

const outcomes: ReadonlyArray<Flushed> = ["stored", "refused", "unavailable", "abandoned", "died"]

/** An observer of the batches of one kind. */
export const observer = (kind: "page-views" | "submissions" | "answer-pieces"): Effect.Effect<Observer> =>
  Effect.map(Metrics, (metrics) => {
    const size = metrics.histogram("batchSize", { kind })
    const took = new Map(outcomes.map((outcome) => [outcome, metrics.histogram("batchDuration", { kind, outcome })]))
    return {
      waiting: (count) => metrics.watch("batchQueue", { kind }, count),
      flushed: (items, millis, what) => {
        size(items)
        took.get(what)?.(Math.round(millis * 1_000))
      }
    }
  })
