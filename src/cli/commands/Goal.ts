/**
 * `goal create`, `goal list` and `goal delete`: what counts as a conversion of a website.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { Command } from "effect/cli"
import * as EventLimits from "../../analytics/EventLimits.ts"
import * as Goal from "../../analytics/Goal.ts"
import { GoalId } from "../../platform/Id.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import type * as Errors from "../../sites/access/Errors.ts"
import * as Client from "../client/Client.ts"
import * as Websites from "../client/Websites.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

const eventKind: Inputs.Kind<string> = {
  expected: `the name of an event, of 1 to ${EventLimits.limits.name} characters; page views are counted by --page`,
  parse: Option.liftPredicate(Goal.isEvent)
}

const pageKind: Inputs.Kind<string> = {
  expected: `a path such as /thanks, or a pattern such as '/thanks*' in which each of at most ${Goal.maxStars} stars matches any text, of at most ${Goal.maxPath} characters`,
  parse: Option.liftPredicate(Goal.isPage)
}

/** Whether the name that a goal has without `--name` is refused: only because another goal has it. */
const isTaken = ({ detail }: Errors.ValidationFailed): boolean => detail.some(({ loc }) => loc.at(-1) === "name")

const taken = (target: Goal.Target) =>
  new Output.CliFailure({
    message: `The website has a goal of the name "${TerminalText.printable(Goal.defaultName(target))}"; give another one with --name.`
  })

const create = Command.make(
  "create",
  {
    site: Inputs.site,
    event: Inputs.optional(Inputs.make("event", eventKind, "<name>", "Events of this name are conversions")),
    page: Inputs.optional(
      Inputs.make("page", pageKind, "<pattern>", "Views of this path are conversions; `*` matches any text")
    ),
    name: Inputs.optional(
      Inputs.make(
        "name",
        Inputs.nameKind,
        "<text>",
        "The name in reports; the event, or Visit and the path, unless given"
      )
    )
  },
  Effect.fnUntraced(function* ({ event, name, page, site }) {
    if ((event === null) === (page === null)) {
      return yield* new Output.CliFailure({ message: "Give one of the flags --event and --page." })
    }
    const target =
      event === null ? ({ kind: "page", value: page ?? "" } as const) : ({ kind: "event", value: event } as const)
    const goal = yield* Websites.request(
      "goals",
      site,
      (goals, params) =>
        goals
          .create({ params, payload: { ...target, ...(name !== null && { name }) } })
          .pipe(
            Effect.catchTag("ValidationFailed", (error) =>
              Effect.fail(name === null && isTaken(error) ? taken(target) : error)
            )
          ),
      { flags: { value: target.kind, ...(name === null && { name: target.kind }) } }
    )
    yield* Output.answer({
      json: goal,
      text: Output.facts([
        ["goal_id", goal.goal_id],
        ["name", goal.name],
        [goal.kind, goal.value]
      ])
    })
  })
).pipe(
  Command.withDescription("Count an event or a page as a conversion, in past visits too"),
  Command.withExamples([
    {
      command: "hydracore goal create --site 0f8fad5b-d9cb-469f-a165-70867728950e --page '/thanks*'",
      description: "Every page whose path begins with /thanks is a conversion"
    }
  ])
)

const list = Command.make(
  "list",
  { site: Inputs.site },
  Effect.fnUntraced(function* ({ site }) {
    const listed = yield* Websites.request("goals", site, (goals, params) => goals.list({ params }))
    const builtIn = listed.built_in.map((name) => `"${name}"`).join(" and ")
    yield* Output.answer({
      json: listed,
      text: `${Output.table(
        ["NAME", "KIND", "VALUE", "GOAL_ID"],
        listed.goals.map((goal) => [goal.name, goal.kind, goal.value, goal.goal_id]),
        "The website has no goal of its own yet; `hydracore goal create` creates one."
      )}Every website has the goals ${builtIn}.\n`
    })
  })
).pipe(Command.withDescription("List the goals of a website, oldest first"))

const remove = Command.make(
  "delete",
  {
    goalId: Inputs.make("goal", Inputs.idKind(GoalId), "<uuid>", "The goal_id of a goal"),
    site: Websites.flagOf("goal")
  },
  Effect.fnUntraced(function* ({ goalId, site }) {
    yield* Websites.withRecord("goals", { kind: "goal", id: goalId, site }, (goals, params) =>
      goals.delete({ params: { ...params, goal_id: goalId } })
    )
    yield* Output.answer({
      json: { goal_id: goalId, deleted: true },
      text: `The goal ${goalId} is deleted. The events and page views are kept.\n`
    })
  })
).pipe(Command.withDescription("Delete a goal; the events and page views are kept"))

export const command = Client.command("goal", "Goals: what counts as a conversion", create, list, remove)
