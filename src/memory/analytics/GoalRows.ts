/**
 * The goals in memory, by id. The memory layer of `Goals` writes them, and that of `Reports` reads them. Unbounded, because
 * visitors cannot create goals.
 *
 * @module
 */
import { Context, Layer } from "effect"
import type { Goal } from "../../core/analytics/Goal.ts"

export class GoalRows extends Context.Service<GoalRows, Map<string, Goal>>()("hydracore/memory/GoalRows") {}

export const layer: Layer.Layer<GoalRows> = Layer.sync(GoalRows, () => new Map<string, Goal>())
