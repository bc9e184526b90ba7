/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/goals`.
 *
 * @module
 */
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../../contract/owner/Api.ts"
import * as Goal from "../../../core/analytics/Goal.ts"
import * as GoalInput from "../../../core/analytics/GoalInput.ts"
import * as Calendar from "../../../core/text/Calendar.ts"
import { OwnerGoals } from "../access/OwnerGoals.ts"
import { OwnerSites } from "../access/OwnerSites.ts"
import * as Failures from "../Failures.ts"
import * as Validation from "../Validation.ts"

const toJson = (goal: Goal.Goal) => ({
  goal_id: goal.goalId,
  name: goal.name,
  kind: goal.kind,
  value: goal.value,
  created_at: Calendar.iso(goal.createdAt)
})

const expected = {
  event: "Value error, the name of an event is expected; for page views, create a goal of the kind page",
  page: `Value error, a path such as /thanks, of at most ${GoalInput.maxPath} characters with at most ${GoalInput.maxStars} stars, is expected`
} as const

const parsers = { event: GoalInput.parseEvent, page: GoalInput.parsePage } as const

const fault = (member: string, msg: string) => Validation.failed([{ loc: ["body", member], msg, type: "value_error" }])

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "goals",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const goals = yield* OwnerGoals
    return handlers
      .handle("list", ({ params }) =>
        ownerSites.authorize(params.site_id, "stats").pipe(
          Effect.flatMap(goals.list),
          Effect.map((listed) => ({ goals: listed.map(toJson), built_in: Object.values(Goal.leads) })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "create",
        Effect.fnUntraced(
          function* ({ params, payload: { kind, name, value } }) {
            const proof = yield* ownerSites.authorize(params.site_id, "write")
            if (Option.isNone(parsers[kind](value))) return yield* Effect.fail(fault("value", expected[kind]))
            const goal = yield* goals.create(proof, { kind, value, name: name ?? Goal.defaultName({ kind, value }) })
            return toJson(goal)
          },
          Effect.catchTags({
            StorageUnavailable: Failures.ofStorage,
            LimitReached: Failures.ofLimit,
            GoalNameTaken: () =>
              Effect.fail(fault("name", "Value error, the website has a goal of this name; give another name"))
          })
        )
      )
      .handle("delete", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => goals.delete(proof, params.goal_id)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
