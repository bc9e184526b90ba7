/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/goals`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Goal from "./Goal.ts"

const nameTaken = Errors.invalid("name", "the website has a goal of this name; give another name")

const notFound = Errors.make("NotFound", "This website has no such goal. The goal may have been deleted.")

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "goals",
  Effect.fnUntraced(function* (handlers) {
    const goals = yield* Goal.Goals
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.stats.read.proof
          return { goals: yield* goals.list(site.websiteConfigId), built_in: Object.values(Goal.leads) }
        })
      )
      .handle(
        "create",
        Effect.fnUntraced(
          function* ({ payload }) {
            const { site } = yield* Authorized.settings.change.proof
            const goal = { ...payload, name: payload.name ?? Goal.defaultName(payload) }
            const created = yield* goals.create(site.websiteConfigId, goal)
            // The website was deleted meanwhile.
            return yield* Effect.fromOption(created, () => Errors.unknownSite)
          },
          Effect.catchTag("GoalNameTaken", () => Effect.fail(nameTaken))
        )
      )
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.settings.change.proof
          if (!(yield* goals.delete(site.websiteConfigId, params.goal_id))) return yield* Effect.fail(notFound)
        })
      )
  })
)
