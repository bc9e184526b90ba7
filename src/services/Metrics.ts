/**
 * Takes down what the service does, for whoever watches it. The interface alone; see `memory/Metrics`.
 *
 * Nothing here is an effect, since it stands where a request is a matter of microseconds. Series are asked for once, when
 * a layer is built, and then told.
 *
 * @module
 */
import { Context } from "effect"
import type { Labels, NameOf, Snapshot } from "../core/Metrics.ts"

export interface MetricsService {
  /** Whether anybody watches: what costs something is left undone otherwise. */
  readonly enabled: boolean
  /** Gives what adds to a counter: 1, or how much, in the family's unit. */
  readonly counter: (name: NameOf<"counter">, labels: Labels) => (amount?: number) => void
  /** Gives what puts a value, in the family's unit, into a histogram. */
  readonly histogram: (name: NameOf<"histogram">, labels: Labels) => (value: number) => void
  /** Has a value looked up whenever somebody asks, in the family's unit; several of the same series are summed. */
  readonly watch: (name: NameOf<"gauge" | "counter">, labels: Labels, read: () => number) => void
  /** What was taken down in this process. */
  readonly snapshot: () => Snapshot
}

const ignore = () => {}

/** Nobody watches. */
export const none: MetricsService = {
  enabled: false,
  counter: () => ignore,
  histogram: () => ignore,
  watch: ignore,
  snapshot: () => []
}

export const Metrics = Context.Reference<MetricsService>("hydracore/services/Metrics", { defaultValue: () => none })
