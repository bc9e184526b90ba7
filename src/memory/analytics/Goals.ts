/**
 * Stores goals in the memory of this process.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import { type Goal, leads } from "../../core/analytics/Goal.ts"
import { GoalNameTaken, Goals } from "../../services/analytics/Goals.ts"
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
        const names = [...Object.values<string>(leads), ...ofSite(given.websiteConfigId).map(({ name }) => name)]
        if (names.includes(given.name)) return yield* new GoalNameTaken({ goal: given.name })
        const goal: Goal = { ...given, goalId: randomUUID(), createdAt: yield* Clock.currentTimeMillis }
        rows.set(goal.goalId, goal)
        return Option.some(goal)
      }),
      list: (websiteConfigId) => Effect.sync(() => ofSite(websiteConfigId)),
      delete: (goalId) => Effect.sync(() => rows.delete(goalId))
    }
  })
)
