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
import { kinds } from "../../core/analytics/Goal.ts"
import * as GoalInput from "../../core/analytics/GoalInput.ts"
import * as Maximums from "../../core/sites/Maximums.ts"
import * as Field from "../../platform/api/Field.ts"
import * as Authorization from "./Authorization.ts"
import * as Errors from "./Errors.ts"
import * as Examples from "./Examples.ts"
import * as Fields from "./Fields.ts"
import { siteId } from "./Sites.ts"

const base = "/v1/owner/sites/:site_id/goals"

const params = { site_id: siteId }

const example = {
  goal_id: Examples.id,
  name: "Thank-you page",
  kind: "page",
  value: "/thanks*",
  created_at: "2026-11-01T09:00:00.000Z"
} as const

export const Goal = Schema.Struct({
  goal_id: Fields.uuid,
  name: Schema.String,
  kind: Schema.Literals(kinds),
  value: Schema.String,
  created_at: Fields.time
}).annotate({ identifier: "Goal", title: "Goal", examples: [example] })

export const Goals = Schema.Struct({
  goals: Schema.Array(Goal),
  built_in: Schema.Array(Schema.String).annotate({ description: "The names of the goals that every website has" })
}).annotate({
  identifier: "Goals",
  title: "Goals",
  examples: [{ goals: [example], built_in: ["Form submitted", "Chat started"] }]
})

export const NewGoal = Schema.Struct({
  kind: Field.Choice(kinds, { title: "Kind" }),
  value: Field.Text({
    title: "Value",
    maxLength: GoalInput.maxPath,
    description: "The name of an event, or a path in which each `*` matches any text, such as `/thanks*`"
  }),
  name: Schema.optionalKey(Fields.name("Name"))
}).annotate({ identifier: "NewGoal", title: "NewGoal", examples: [{ kind: "page", value: "/thanks*" }] })

export const list = HttpApiEndpoint.get("list", base, {
  params,
  success: Goals,
  error: Errors.NotFound
}).annotateMerge(
  Authorization.operation("stats", {
    identifier: "list_goals",
    summary: "List goals",
    description: "The goals of a website, oldest first."
  })
)

export const create = HttpApiEndpoint.post("create", base, {
  params,
  payload: NewGoal,
  success: Goal,
  error: Errors.NotFound
}).annotateMerge(
  Authorization.operation("write", {
    identifier: "create_goal",
    summary: "Create a goal",
    description: "Counts an event or a page as a conversion, in past visits too.",
    maximums: [Maximums.goals]
  })
)

export const remove = HttpApiEndpoint.delete("delete", `${base}/:goal_id`, {
  params: { ...params, goal_id: Field.Uuid({ title: "Goal Id" }) },
  success: HttpApiSchema.NoContent,
  error: Errors.NotFound
}).annotateMerge(
  Authorization.operation("write", {
    identifier: "delete_goal",
    summary: "Delete a goal",
    description: "Deletes a goal. The events and page views stay."
  })
)

export class GoalsGroup extends HttpApiGroup.make("goals")
  .add(list, create, remove)
  .annotateMerge(OpenApi.annotations({ title: "Goals", description: "What counts as a conversion" })) {}
