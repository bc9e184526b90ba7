/**
 * The goals in memory, by id: the memory `Goals` writes them and the memory `Reports` reads them. Unbounded, since visitors
 * cannot create goals.
 *
 * @module
 */
import { Context, Layer } from "effect"
import type { Goal } from "../../core/analytics/Goal.ts"

export class GoalRows extends Context.Service<GoalRows, Map<string, Goal>>()("hydracore/memory/GoalRows") {}

export const layer: Layer.Layer<GoalRows> = Layer.sync(GoalRows, () => new Map<string, Goal>())
