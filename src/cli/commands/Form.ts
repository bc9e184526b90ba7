/**
 * `form create`, `list`, `show`, `update` and `delete`: the rules for the submissions of a website's forms.
 *
 * @module
 */
import { Effect, type Layer, Option } from "effect"
import { Command } from "effect/cli"
import { FormDirectory } from "../../forms/FormDirectory.ts"
import * as FormRules from "../../forms/FormRules.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import * as RulesFile from "../support/RulesFile.ts"

const pageKind: Inputs.Kind<string> = {
  expected: `the page_slug of a form, of 1 to ${FormRules.limits.page} characters`,
  parse: FormRules.parsePage
}

const form = {
  websiteConfigId: Inputs.site,
  page: Inputs.make("page", pageKind, "<slug>", "The page_slug of the form, which is the data-page of its tag")
}

const formWithRules = { ...form, rules: RulesFile.flag }

/** The rules of a field, as in the file. */
const rulesText = (rules: FormRules.FieldRules): string => JSON.stringify(rules).slice(1, -1) || "none"

const text = (form: FormRules.Form): string =>
  `${Output.facts([
    ["page", form.page],
    ["updated", Output.moment(Date.parse(form.updated_at))]
  ])}\n${Output.table(
    ["FIELD", "RULES"],
    Object.entries(form.rules).map(([field, rules]) => [field, rulesText(rules)]),
    "The form has no rules."
  )}`

const answer = (form: FormRules.Form) => Output.answer({ json: form, text: text(form) })

/** Requires a website that is not being deleted. */
const requireSite = Effect.fnUntraced(function* (websiteConfigId: string) {
  const directory = yield* SiteDirectory
  if (Option.isNone(yield* directory.byWebsiteConfigId(websiteConfigId))) {
    return yield* Output.notFound("website", websiteConfigId)
  }
})

const create = Command.make(
  "create",
  formWithRules,
  Effect.fnUntraced(function* (given) {
    const forms = yield* FormDirectory
    const rules = yield* RulesFile.read(given.rules)
    const created = yield* forms.create({ ...given, rules }).pipe(
      Effect.catchTags({
        FormExists: () =>
          Effect.fail(
            new Output.CliFailure({
              message: "This form already has rules; `hydracore form update` replaces them."
            })
          ),
        LimitReached: Output.limitReached
      })
    )
    if (Option.isNone(created)) return yield* Output.notFound("website", given.websiteConfigId)
    yield* answer(created.value)
  })
).pipe(
  Command.withDescription("Set the rules of a form; submissions that break one are refused"),
  Command.withExamples([
    {
      command: "hydracore form create --site 0f8fad5b-d9cb-469f-a165-70867728950e --page contact --rules rules.json",
      description: "Refuse submissions of the form contact that break a rule in the file"
    }
  ])
)

const update = Command.make(
  "update",
  formWithRules,
  Effect.fnUntraced(function* (given) {
    const forms = yield* FormDirectory
    const rules = yield* RulesFile.read(given.rules)
    const updated = yield* forms.update({ ...given, rules })
    if (Option.isNone(updated)) return yield* Output.notFound("form", given.page)
    yield* answer(updated.value)
  })
).pipe(Command.withDescription("Replace the rules of a form"))

const list = Command.make(
  "list",
  { websiteConfigId: Inputs.site },
  Effect.fnUntraced(function* ({ websiteConfigId }) {
    const forms = yield* FormDirectory
    yield* requireSite(websiteConfigId)
    const listed = yield* forms.list(websiteConfigId)
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["PAGE", "FIELDS", "UPDATED"],
        listed.map(({ page, rules, updated_at }) => [
          page,
          Object.keys(rules).join(" "),
          Output.moment(Date.parse(updated_at))
        ]),
        "No form of the website has rules yet; `hydracore form create` sets the rules of one."
      )
    })
  })
).pipe(Command.withDescription("List the forms of a website that have rules, by page"))

const show = Command.make(
  "show",
  form,
  Effect.fnUntraced(function* ({ page, websiteConfigId }) {
    const forms = yield* FormDirectory
    yield* requireSite(websiteConfigId)
    const found = (yield* forms.list(websiteConfigId)).find((one) => one.page === page)
    if (found === undefined) return yield* Output.notFound("form", page)
    yield* answer(found)
  })
).pipe(Command.withDescription("Show the rules of a form"))

const remove = Command.make(
  "delete",
  form,
  Effect.fnUntraced(function* ({ page, websiteConfigId }) {
    const forms = yield* FormDirectory
    if (!(yield* forms.delete(websiteConfigId, page))) return yield* Output.notFound("form", page)
    yield* Output.answer({
      json: { website_config_id: websiteConfigId, page, deleted: true },
      text: "The rules are deleted. The form accepts any fields again; its submissions are kept.\n"
    })
  })
).pipe(Command.withDescription("Delete the rules of a form; its submissions are kept"))

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | FormDirectory, E, R>) =>
  Command.make("form").pipe(
    Command.withDescription("Forms: the rules for their fields"),
    Command.withSubcommands([
      create.pipe(Command.provide(storage)),
      update.pipe(Command.provide(storage)),
      list.pipe(Command.provide(storage)),
      show.pipe(Command.provide(storage)),
      remove.pipe(Command.provide(storage))
    ])
  )
