/**
 * The goals of websites. The interface only; see `postgres/analytics/Goals`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import type { Goal } from "../../core/analytics/Goal.ts"
import type { LimitReached } from "../LimitReached.ts"
import type { StorageUnavailable } from "../Storage.ts"

/** The website already has a goal with this name, perhaps one of `Goal.leads`, which every website has. */
export class GoalNameTaken extends Schema.TaggedError<GoalNameTaken>()("GoalNameTaken", { goal: Schema.String }) {}

export class Goals extends Context.Service<
  Goals,
  {
    /** Creates a goal. Past visits can reach it too. None if there is no such website. Fails beyond `Maximums.goals`. */
    readonly create: (
      goal: Pick<Goal, "websiteConfigId" | "name" | "kind" | "value">
    ) => Effect.Effect<Option.Option<Goal>, StorageUnavailable | GoalNameTaken | LimitReached>
    /**
     * The `Goal.maxCounted` oldest goals of a website, oldest first, without those that every website has. Only these count in
     * reports.
     */
    readonly list: (websiteConfigId: string) => Effect.Effect<ReadonlyArray<Goal>, StorageUnavailable>
    /** The ids of the websites that have goals besides those that every website has. */
    readonly websites: Effect.Effect<ReadonlySet<string>, StorageUnavailable>
    /** False if there is no such goal. */
    readonly delete: (goalId: string) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/services/Goals") {}
