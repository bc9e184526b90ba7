/**
 * `site create`, `site update`, `site delete`, `site list` and `site snippet`: the websites that use this service.
 *
 * @module
 */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { type Place, parsePlace } from "../../activity/Attention.ts"
import type { AttentionList } from "../../activity/OwnerAttentionApi.ts"
import type * as SitesApi from "../../sites/OwnerSitesApi.ts"
import * as Client from "../client/Client.ts"
import * as Pages from "../client/Pages.ts"
import * as Websites from "../client/Websites.ts"
import * as Operator from "../operator/Operator.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import * as Snippet from "./Snippet.ts"

/** Without `--limit`, more websites than a person reads in the morning. */
const morningLimit = 100

const none = "There is no website yet; `hydracore site create` creates one."

const limitWithoutMorning = new Output.CliFailure({
  message: "The flag --limit is for --morning; without it, all websites are listed."
})

const originsText = (origins: ReadonlyArray<string>): string => origins.join(" ") || "any"

const text = (site: typeof SitesApi.SiteDetails.Type): string =>
  Output.facts([
    ["name", site.name],
    ["website_config_id", site.site_id],
    ["tracking_token", site.tracking_token],
    ["origins", originsText(site.origins)],
    ["time zone", site.time_zone]
  ])

type Morning = typeof AttentionList.Type

type Row = Morning["sites"][number]

const visitorsOf = ({ visitors }: Row): ReadonlyArray<string> => {
  if (visitors === null) return ["-", "-"]
  const { before, change, visitors: count } = visitors
  if (count + before === 0) return ["0", "-"]
  const signed = change === null ? (count > before ? "new" : "-") : `${change > 0 ? "+" : ""}${change} %`
  return [String(count), signed]
}

const countOf = (count: number | null): string => (count === null ? "-" : String(count))

const problemsOf = ({ problems }: Row): string => (problems ?? []).map(({ kind }) => kind).join(" ") || "-"

/** The text of `site list --morning`: one row for each website. */
const morningText = ({ next, sites }: Morning): string => {
  const table = Output.table(
    ["NAME", "VISITORS", "CHANGE", "NEW_LEADS", "UNANSWERED", "PROBLEMS", "LAST_SEEN"],
    sites.map((site) => [
      site.name,
      ...visitorsOf(site),
      countOf(site.unread),
      countOf(site.waiting),
      problemsOf(site),
      Output.time(site.last_seen_at)
    ]),
    none
  )
  return next === null ? table : `${table}\nThere are more websites: raise --limit.\n`
}

const create = Command.make(
  "create",
  { name: Inputs.name("website"), origins: Inputs.origins("website"), timeZone: Inputs.timeZone },
  Effect.fnUntraced(function* ({ name, origins, timeZone }) {
    const site = yield* Client.owner("sites", {}, (sites) =>
      sites.create({ payload: { name, origins, time_zone: timeZone } })
    )
    yield* Output.answer({ json: site, text: text(site) })
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
    site: Inputs.site,
    name: Inputs.newName("website"),
    origins: Inputs.newOrigins("website"),
    anyOrigin: Inputs.anyOrigin("website"),
    timeZone: Inputs.newTimeZone
  },
  Effect.fnUntraced(function* ({ anyOrigin, name, origins, site: named, timeZone }) {
    const payload = yield* Inputs.requireChange<typeof SitesApi.SiteChange.Type>(
      {
        name: name ?? undefined,
        origins: yield* Inputs.originsToBe(origins, anyOrigin),
        time_zone: timeZone ?? undefined
      },
      "hydracore site update"
    )
    const site = yield* Websites.request("sites", named, (sites, params) => sites.update({ params, payload }))
    yield* Output.answer({
      json: site,
      text: `${text(site)}\nThe change takes effect in every process within ten seconds.\n`
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

const keepsNoInstances = new Output.CliFailure({
  message: "A running service deletes the instances with their website: give --with-instances too."
})

/**
 * A website's data cannot be restored, and UUIDs are easily confused, so the name is required too. `instance delete`
 * requires no name: one command creates an instance again.
 */
const remove = Command.make(
  "delete",
  {
    site: Inputs.site,
    name: Inputs.nameToConfirm("website"),
    withInstances: Inputs.withoutValue("with-instances", "Delete the website's instances and their tokens too")
  },
  Effect.fnUntraced(function* ({ name, site, withInstances }) {
    const { url } = yield* Client.Client
    if (url !== null && !withInstances) return yield* keepsNoInstances
    const site_id = yield* Websites.idToDelete(site)
    const facts = { notFound: Output.notFound("website", site_id) }
    const deleted =
      url === null
        ? yield* Client.operator(Operator.sites, facts, (sites) => sites.delete(site_id, name, withInstances))
        : yield* Websites.request("sites", site_id, (sites, params) => sites.delete({ params, payload: { name } }))
    yield* Output.answer({
      json: deleted,
      text: `The website ${site_id} is deleted, and with it:\n${Output.facts([
        ["page views", String(deleted.page_views)],
        ["excluded page views", String(deleted.bot_views)],
        ["events", String(deleted.events)],
        ["conversions", String(deleted.conversions)],
        ["submissions", String(deleted.submissions)],
        ["conversations", String(deleted.conversations)]
      ])}${
        withInstances
          ? "Any instance that served it is deleted with its tokens."
          : "Any instance that served it remains with its tokens, without a website; `hydracore instance delete` deletes one."
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

const listAll = Effect.gen(function* () {
  const listed = yield* Client.owner("sites", {}, (sites) =>
    Pages.all("sites", (query: Pages.PageQuery) => sites.list({ query }))
  )
  yield* Output.answer({
    json: listed,
    text: Output.table(
      ["NAME", "WEBSITE_CONFIG_ID", "TRACKING_TOKEN", "CREATED", "ORIGINS"],
      listed.sites.map((site) => [
        site.name,
        site.site_id,
        site.tracking_token ?? "-",
        Output.time(site.created_at),
        site.origins === null ? "-" : originsText(site.origins)
      ]),
      none
    )
  })
})

const list = Command.make(
  "list",
  {
    morning: Inputs.withoutValue(
      "morning",
      "List each website with its visitors of yesterday and what waits for somebody; those that need somebody come first"
    ),
    limit: Inputs.optional(
      Inputs.make(
        "limit",
        Inputs.countKind(10_000),
        "<number>",
        `The maximum number of websites of --morning; ${morningLimit} by default`
      )
    )
  },
  Effect.fnUntraced(function* ({ limit, morning }) {
    if (!morning && limit !== null) return yield* limitWithoutMorning
    if (!morning) return yield* listAll
    const listed = yield* Client.owner("attention", {}, (attention) =>
      Pages.firstBy(parsePlace, "sites", limit ?? morningLimit, (query: Pages.PageQuery<Place>) =>
        attention.list({ query })
      )
    )
    yield* Output.answer({ json: listed, text: morningText(listed) })
  })
).pipe(
  Command.withDescription("List the websites, oldest first, or with --morning what each of them needs"),
  Command.withExamples([
    { command: "hydracore site list --morning", description: "What is new and what is broken, on all websites" }
  ])
)

export const command = Client.command("site", "Websites", create, update, remove, list, Snippet.command)
