/**
 * `site create`, `site update`, `site delete`, `site list` and `site snippet`: the websites that use this service.
 *
 * @module
 */
import { Effect, type Layer, Option } from "effect"
import { Command } from "effect/cli"
import type { InstanceDirectory } from "../../chat/InstanceDirectory.ts"
import type { WidgetTokens } from "../../chat/WidgetTokens.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import type { Site, SiteChange } from "../../sites/Site.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import { SiteErasure } from "../../sites/SiteErasure.ts"
import * as Change from "../support/Change.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
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
  time_zone: site.timeZone,
  created_at: Calendar.iso(site.createdAt)
})

const text = (site: Site): string =>
  Output.facts([
    ["name", site.name],
    ["website_config_id", site.websiteConfigId],
    ["hosted_website_id", site.hostedWebsiteId],
    ["tracking_token", site.trackingToken],
    ["origins", site.origins.join(" ") || "any"],
    ["time zone", site.timeZone]
  ])

const create = Command.make(
  "create",
  { name: Inputs.name("website"), origins: Inputs.origins("website"), timeZone: Inputs.timeZone },
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
      description: "A website whose ids only pages on this origin may use"
    }
  ])
)

const update = Command.make(
  "update",
  {
    websiteConfigId: Inputs.siteId,
    name: Inputs.newName("website"),
    origins: Inputs.newOrigins("website"),
    anyOrigin: Inputs.anyOrigin("website"),
    timeZone: Inputs.newTimeZone
  },
  Effect.fnUntraced(function* ({ anyOrigin, name, origins, timeZone, websiteConfigId }) {
    const change = yield* Change.require<SiteChange>(
      {
        name: name ?? undefined,
        origins: yield* Change.originsToBe(origins, anyOrigin),
        timeZone: timeZone ?? undefined
      },
      ["name", "origin", "any-origin", "time-zone"]
    )
    const directory = yield* SiteDirectory
    const site = yield* directory.update(websiteConfigId, change)
    if (Option.isNone(site)) return yield* Output.notFound("website", websiteConfigId)
    yield* Output.answer({
      json: json(site.value),
      text: `${text(site.value)}\nThe change takes effect in every process within ten seconds.\n`
    })
  })
).pipe(
  Command.withDescription(
    "Change a website; settings without a flag stay as they are. Takes effect within ten seconds"
  ),
  Command.withExamples([
    {
      command:
        "hydracore site update --site 0f8fad5b-d9cb-469f-a165-70867728950e --origin https://www.example.com --origin https://example.com",
      description: "Only pages on these two origins may use the website's ids from now on"
    }
  ])
)

/**
 * A website's data cannot be restored, and UUIDs are easily confused, so the name is required too. `instance delete`
 * requires no name: one command creates an instance again.
 */
const remove = Command.make(
  "delete",
  {
    websiteConfigId: Inputs.siteId,
    name: Inputs.nameToConfirm("website"),
    withInstances: Inputs.withoutValue("with-instances", "Delete the website's instances and their tokens too")
  },
  Effect.fnUntraced(function* ({ name, websiteConfigId, withInstances }) {
    const erasure = yield* SiteErasure
    const currentName = yield* erasure.nameOf(websiteConfigId)
    if (Option.isNone(currentName)) return yield* Output.notFound("website", websiteConfigId)
    if (currentName.value !== name) {
      return yield* new Output.CliFailure({
        message: `The website ${websiteConfigId} does not have the name that --name gives, so nothing was deleted; see \`hydracore site list\`.`
      })
    }
    const erased = yield* erasure.erase(websiteConfigId, { withInstances })
    if (Option.isNone(erased)) return yield* Output.notFound("website", websiteConfigId)
    const { botViews, conversations, conversions, decisionCounts, events, idempotencyKeys, pageViews, submissions } =
      erased.value
    yield* Output.answer({
      json: {
        website_config_id: websiteConfigId,
        deleted: true,
        page_views: pageViews,
        bot_views: botViews,
        events,
        conversions,
        submissions,
        conversations,
        idempotency_keys: idempotencyKeys,
        decision_counts: decisionCounts
      },
      text: `The website ${websiteConfigId} is deleted, and with it:\n${Output.facts([
        ["page views", String(pageViews)],
        ["excluded page views", String(botViews)],
        ["events", String(events)],
        ["conversions", String(conversions)],
        ["submissions", String(submissions)],
        ["conversations", String(conversations)],
        ["idempotency keys", String(idempotencyKeys)],
        ["decision counts", String(decisionCounts)]
      ])}${
        withInstances
          ? "The instances that served it are deleted with their tokens."
          : "The instances that served it remain with their tokens, without a website; `hydracore instance delete` deletes one."
      }\n`
    })
  })
).pipe(
  Command.withDescription("Delete a website and all its data permanently; if interrupted, run the same command again"),
  Command.withExamples([
    {
      command: 'hydracore site delete --site 0f8fad5b-d9cb-469f-a165-70867728950e --name "My website"',
      description: "Deletes all data of the website; requests with its ids get 404"
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
        "There is no website yet; `hydracore site create` creates one."
      )
    })
  })
).pipe(Command.withDescription("List the websites, oldest first"))

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(
  storage: Layer.Layer<SiteDirectory | SiteErasure | InstanceDirectory | WidgetTokens, E, R>
) =>
  Command.make("site").pipe(
    Command.withDescription("Websites"),
    Command.withSubcommands([
      create.pipe(Command.provide(storage)),
      update.pipe(Command.provide(storage)),
      remove.pipe(Command.provide(storage)),
      list.pipe(Command.provide(storage)),
      Snippet.command.pipe(Command.provide(storage))
    ])
  )
