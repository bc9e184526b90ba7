/**
 * `person export` and `person erase`: what is stored of a person: submissions, conversations, their deliveries,
 * and notifications by mail.
 *
 * @module
 */
import { Effect, type Layer, Option, Stream } from "effect"
import { Command } from "effect/cli"
import * as Person from "../core/persons/Person.ts"
import * as PersonExport from "../core/persons/PersonExport.ts"
import * as TerminalText from "../core/text/TerminalText.ts"
import { Persons } from "../services/persons/Persons.ts"
import { SiteDirectory } from "../services/sites/SiteDirectory.ts"
import * as Inputs from "./support/Inputs.ts"
import * as Output from "./support/Output.ts"

const flags = { address: Inputs.email, websiteConfigId: Inputs.optional(Inputs.site) }

/** The query of all kinds of data. Fails if the website does not exist. */
const queryOf = Effect.fnUntraced(function* ({
  address,
  websiteConfigId
}: {
  readonly address: string
  readonly websiteConfigId: string | null
}) {
  const directory = yield* SiteDirectory
  if (websiteConfigId !== null && Option.isNone(yield* directory.byWebsiteConfigId(websiteConfigId))) {
    return yield* Output.notFound("website", websiteConfigId)
  }
  return { address, websiteConfigId, kinds: Person.kinds }
})

const exportCommand = Command.make(
  "export",
  flags,
  Effect.fnUntraced(function* (input) {
    const persons = yield* Persons
    const documents = Stream.map(persons.records(yield* queryOf(input)), PersonExport.json)
    yield* Output.writeAll(
      (yield* Output.Json) ? Output.jsonArray(documents) : Stream.map(documents, (document) => `${document}\n`)
    )
  })
).pipe(
  Command.withDescription("Write what is stored of a person to stdout, one JSON object per line"),
  Command.withExamples([
    {
      command: "hydracore person export --email ann@example.com",
      description: "A visitor asks what is stored of them"
    }
  ])
)

const erase = Command.make(
  "erase",
  flags,
  Effect.fnUntraced(function* (input) {
    const persons = yield* Persons
    const erased = yield* persons.erase(yield* queryOf(input))
    yield* Output.answer({
      json: { email: input.address, ...erased },
      text: `What is stored of ${TerminalText.printable(input.address)} is deleted:\n${Output.facts([
        ["submissions", String(erased.submissions)],
        ["conversations", String(erased.conversations)],
        ["notifications, with their mails", String(erased.notifications)],
        ["data of deliveries", String(erased.deliveries)]
      ])}`
    })
  })
).pipe(
  Command.withDescription("Delete what is stored of a person permanently; `person export` shows it"),
  Command.withExamples([
    {
      command: "hydracore person erase --email ann@example.com",
      description: "A visitor asks for erasure"
    }
  ])
)

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | Persons, E, R>) =>
  Command.make("person").pipe(
    Command.withDescription("What is stored of a person, by email address"),
    Command.withSubcommands([exportCommand.pipe(Command.provide(storage)), erase.pipe(Command.provide(storage))])
  )
