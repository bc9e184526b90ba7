/**
 * Goals for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import * as Errors from "../../../contract/owner/Errors.ts"
import type { Goal } from "../../../core/analytics/Goal.ts"
import type { AuthorizedSite } from "../../../core/sites/Access.ts"
import { type GoalNameTaken, Goals } from "../../../services/analytics/Goals.ts"
import type { LimitReached } from "../../../services/LimitReached.ts"
import type { StorageUnavailable } from "../../../services/Storage.ts"
import * as OwnerSites from "./OwnerSites.ts"

type NotFound = (typeof Errors.NotFound)["Type"]

export class OwnerGoals extends Context.Service<
  OwnerGoals,
  {
    readonly list: (proof: AuthorizedSite<"stats">) => Effect.Effect<ReadonlyArray<Goal>, StorageUnavailable>
    readonly create: (
      proof: AuthorizedSite<"write">,
      goal: Pick<Goal, "name" | "kind" | "value">
    ) => Effect.Effect<Goal, NotFound | StorageUnavailable | GoalNameTaken | LimitReached>
    readonly delete: (
      proof: AuthorizedSite<"write">,
      goalId: string
    ) => Effect.Effect<void, NotFound | StorageUnavailable>
  }
>()("hydracore/http/owner/access/OwnerGoals") {}

const notFound = Errors.make("NotFound", "This website has no such goal. The goal may have been deleted.")

export const layer: Layer.Layer<OwnerGoals, never, Goals> = Layer.effect(
  OwnerGoals,
  Effect.map(Goals, (goals) => ({
    list: ({ site }) => goals.list(site.websiteConfigId),
    create: ({ site }, goal) =>
      Effect.flatMap(
        goals.create({ ...goal, websiteConfigId: site.websiteConfigId }),
        // The website was deleted meanwhile.
        Effect.fromOption(() => OwnerSites.notFound)
      ),
    delete: Effect.fnUntraced(function* ({ site }, goalId) {
      const own = yield* goals.list(site.websiteConfigId)
      const isOwn = own.some((goal) => goal.goalId === goalId)
      if (!isOwn || !(yield* goals.delete(goalId))) return yield* Effect.fail(notFound)
    })
  }))
)
