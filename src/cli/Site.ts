/**
 * `site create`, `site update`, `site list` and `site snippet`: the websites whose visitors this service answers.
 *
 * @module
 */
import { Effect, type Layer, Option } from "effect"
import { Command } from "effect/cli"
import type { Site, SiteChange } from "../core/Site.ts"
import * as Time from "../core/Time.ts"
import type { InstanceDirectory } from "../services/InstanceDirectory.ts"
import { SiteDirectory } from "../services/SiteDirectory.ts"
import type { WidgetTokens } from "../services/WidgetTokens.ts"
import * as Change from "./Change.ts"
import * as Inputs from "./Inputs.ts"
import * as Output from "./Output.ts"
import * as Snippet from "./Snippet.ts"

const ids = (site: Site) => ({
  website_config_id: site.websiteConfigId,
  hosted_website_id: site.hostedWebsiteId,
  tracking_token: site.trackingToken
})

const json = (site: Site) => ({
  ...ids(site),
  name: site.name,
  origins: [...site.origins],
  created_at: Time.iso(site.createdAt)
})

const text = (site: Site): string =>
  Output.facts([
    ["name", site.name],
    ["website_config_id", site.websiteConfigId],
    ["hosted_website_id", site.hostedWebsiteId],
    ["tracking_token", site.trackingToken],
    ["origins", site.origins.join(" ") || "any"]
  ])

const create = Command.make(
  "create",
  { name: Inputs.name("website"), origins: Inputs.origins },
  Effect.fnUntraced(function* (input) {
    const directory = yield* SiteDirectory
    const site = yield* directory.create(input)
    yield* Output.answer({ json: ids(site), text: text(site) })
  })
).pipe(
  Command.withDescription("Create a website, published at once"),
  Command.withExamples([
    {
      command: 'hydracore site create --name "My website" --origin https://www.example.com',
      description: "A website that only browsers on its own origin may use"
    }
  ])
)

const update = Command.make(
  "update",
  {
    websiteConfigId: Inputs.site,
    name: Inputs.newName("website"),
    origins: Inputs.newOrigins,
    anyOrigin: Inputs.anyOrigin
  },
  Effect.fnUntraced(function* ({ anyOrigin, name, origins, websiteConfigId }) {
    const change = yield* Change.asked<SiteChange>(
      { name: name ?? undefined, origins: yield* Change.originsToBe(origins, anyOrigin) },
      ["name", "origin", "any-origin"]
    )
    const directory = yield* SiteDirectory
    const site = yield* directory.update(websiteConfigId, change)
    if (Option.isNone(site)) {
      return yield* new Output.CliFailure({ message: `There is no website ${websiteConfigId}.` })
    }
    yield* Output.answer({
      json: json(site.value),
      text: `${text(site.value)}\nEvery process that runs goes by it within ten seconds.\n`
    })
  })
).pipe(
  Command.withDescription("Change a website, on every process within ten seconds; what is not given stays"),
  Command.withExamples([
    {
      command:
        "hydracore site update --site 0f8fad5b-d9cb-469f-a165-70867728950e --origin https://www.example.com --origin https://example.com",
      description: "Only browsers on these two origins may use the website from now on"
    }
  ])
)

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const directory = yield* SiteDirectory
    const sites = yield* directory.list
    yield* Output.answer({
      json: sites.map(json),
      text: Output.table(
        ["NAME", "WEBSITE_CONFIG_ID", "TRACKING_TOKEN", "CREATED", "ORIGINS"],
        sites.map((site) => [
          site.name,
          site.websiteConfigId,
          site.trackingToken,
          Output.moment(site.createdAt),
          site.origins.join(" ") || "any"
        ]),
        "There is no website yet; `hydracore site create` makes one."
      )
    })
  })
).pipe(Command.withDescription("List the websites, oldest first"))

/** The command, on a storage that is opened when one of its subcommands runs, and not before. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | InstanceDirectory | WidgetTokens, E, R>) =>
  Command.make("site").pipe(
    Command.withDescription("Websites"),
    Command.withSubcommands([
      create.pipe(Command.provide(storage)),
      update.pipe(Command.provide(storage)),
      list.pipe(Command.provide(storage)),
      Snippet.command.pipe(Command.provide(storage))
    ])
  )
