/**
 * The goals of a website.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Fault from "../platform/contract/Fault.ts"
import * as Field from "../platform/contract/Field.ts"
import { GoalId } from "../platform/Id.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Fields from "../sites/access/Fields.ts"
import * as Maximums from "../sites/Maximums.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import * as Goal from "./Goal.ts"

const base = "/v1/owner/sites/:site_id/goals"

const params = { site_id: siteId }

export const Goals = Schema.Struct({
  goals: Schema.Array(Goal.Goal),
  built_in: Schema.Array(Schema.String).annotate({ description: "The names of the goals that every website has" })
}).annotate({
  identifier: "Goals",
  examples: [{ goals: Goal.examples, built_in: Object.values(Goal.leads) }]
})

/** Checks the value of a goal of one kind. `expected` follows "Value error, " in the error. */
const valueOf = (kind: Goal.Kind, accepts: (value: string) => boolean, expected: string) =>
  Field.check<Goal.Target>((goal) => goal.kind !== kind || accepts(goal.value), {
    ...Fault.value(expected),
    path: ["value"]
  })

export const NewGoal = Schema.Struct({
  kind: Field.Choice(Goal.kinds, { title: "Kind" }),
  value: Field.Text({
    title: "Value",
    maxLength: Goal.maxPath,
    description: "The name of an event, or a path in which each `*` matches any text, such as `/thanks*`"
  }),
  name: Schema.optionalKey(Fields.name("Name"))
})
  .check(
    valueOf("event", Goal.isEvent, "the name of an event is expected; for page views, create a goal of the kind page"),
    valueOf(
      "page",
      Goal.isPage,
      `a path such as /thanks, of at most ${Goal.maxPath} characters with at most ${Goal.maxStars} stars, is expected`
    )
  )
  .annotate({ identifier: "NewGoal", examples: [{ kind: "page", value: "/thanks*" }] })

export const list = HttpApiEndpoint.get("list", base, { params, success: Goals })
  .middleware(Authorized.stats.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_goals",
      summary: "List goals",
      description: "The goals of a website, oldest first."
    })
  )

export const create = HttpApiEndpoint.post("create", base, { params, payload: NewGoal, success: Goal.Goal })
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "create_goal",
      summary: "Create a goal",
      description: "Counts an event or a page as a conversion, in past visits too.",
      maximums: [Maximums.goals]
    })
  )

export const remove = HttpApiEndpoint.delete("delete", `${base}/:goal_id`, {
  params: { ...params, goal_id: Field.Id(GoalId, { title: "Goal Id" }) },
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "delete_goal",
      summary: "Delete a goal",
      description: "Deletes a goal. The events and page views stay."
    })
  )

export class GoalsGroup extends HttpApiGroup.make("goals")
  .add(list, create, remove)
  .annotateMerge(OpenApi.annotations({ title: "Goals", description: "What counts as a conversion" })) {}
