/**
 * `site create`, `site list` and `site snippet`: the websites whose visitors this service answers.
 *
 * @module
 */
import { Effect, type Layer } from "effect"
import { Command } from "effect/cli"
import type { Site } from "../core/Site.ts"
import * as Time from "../core/Time.ts"
import type { InstanceDirectory } from "../services/InstanceDirectory.ts"
import { SiteDirectory } from "../services/SiteDirectory.ts"
import type { WidgetTokens } from "../services/WidgetTokens.ts"
import * as Inputs from "./Inputs.ts"
import * as Output from "./Output.ts"
import * as Snippet from "./Snippet.ts"

const ids = (site: Site) => ({
  website_config_id: site.websiteConfigId,
  hosted_website_id: site.hostedWebsiteId,
  tracking_token: site.trackingToken
})

const create = Command.make(
  "create",
  { name: Inputs.name("website"), origins: Inputs.origins },
  Effect.fnUntraced(function* (input) {
    const directory = yield* SiteDirectory
    const site = yield* directory.create(input)
    yield* Output.answer({
      json: ids(site),
      text: Output.facts([
        ["name", site.name],
        ["website_config_id", site.websiteConfigId],
        ["hosted_website_id", site.hostedWebsiteId],
        ["tracking_token", site.trackingToken],
        ["origins", site.origins.join(" ") || "any"]
      ])
    })
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

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const directory = yield* SiteDirectory
    const sites = yield* directory.list
    yield* Output.answer({
      json: sites.map((site) => ({
        ...ids(site),
        name: site.name,
        origins: [...site.origins],
        created_at: Time.iso(site.createdAt)
      })),
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
      list.pipe(Command.provide(storage)),
      Snippet.command.pipe(Command.provide(storage))
    ])
  )
