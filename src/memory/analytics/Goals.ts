/**
 * Stores goals in the memory of this process.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import { type Goal, leads, maxCounted } from "../../core/analytics/Goal.ts"
import * as Maximums from "../../core/sites/Maximums.ts"
import { GoalNameTaken, Goals } from "../../services/analytics/Goals.ts"
import { LimitReached } from "../../services/LimitReached.ts"
import { Sites } from "../sites/SiteDirectory.ts"
import { GoalRows } from "./GoalRows.ts"

export const layer: Layer.Layer<Goals, never, GoalRows | Sites> = Layer.effect(
  Goals,
  Effect.gen(function* () {
    const rows = yield* GoalRows
    const sites = yield* Sites
    const ofSite = (websiteConfigId: string): ReadonlyArray<Goal> =>
      sites.get(websiteConfigId) === undefined
        ? []
        : [...rows.values()].filter((goal) => goal.websiteConfigId === websiteConfigId)
    return {
      create: Effect.fnUntraced(function* (given) {
        if (sites.get(given.websiteConfigId) === undefined) return Option.none()
        const createdAt = yield* Clock.currentTimeMillis
        const own = ofSite(given.websiteConfigId)
        const names = [...Object.values<string>(leads), ...own.map(({ name }) => name)]
        if (names.includes(given.name)) return yield* new GoalNameTaken({ goal: given.name })
        if (own.length >= Maximums.goals.max) return yield* new LimitReached({ maximum: Maximums.goals })
        const goal: Goal = { ...given, goalId: randomUUID(), createdAt }
        rows.set(goal.goalId, goal)
        return Option.some(goal)
      }),
      list: (websiteConfigId) => Effect.sync(() => ofSite(websiteConfigId).slice(0, maxCounted)),
      delete: (goalId) => Effect.sync(() => rows.delete(goalId))
    }
  })
)
