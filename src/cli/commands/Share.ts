/**
 * `share create`, `share list` and `share revoke`: dashboards that anyone with their secret URL can view.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option } from "effect"
import { Command } from "effect/cli"
import * as Share from "../../sites/access/Share.ts"
import { Shares } from "../../sites/access/Shares.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as ConsoleUrl from "../support/ConsoleUrl.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

const create = Command.make(
  "create",
  {
    websiteConfigId: Inputs.site,
    label: Inputs.label("shared dashboard"),
    expires: Inputs.expires("shared dashboard"),
    baseUrl: Inputs.baseUrl
  },
  Effect.fnUntraced(function* ({ baseUrl, expires, label, websiteConfigId }) {
    const origin = yield* ConsoleUrl.originOf(baseUrl)
    const expiresAt = yield* Inputs.readExpires(expires, yield* Clock.currentTimeMillis)
    const created = yield* Shares.use((shares) => shares.create(websiteConfigId, { label, expiresAt })).pipe(
      Effect.catchTag("LimitReached", Output.limitReached)
    )
    if (Option.isNone(created)) return yield* Output.notFound("website", websiteConfigId)
    const { secret, share } = created.value
    const url = `${origin}${Share.pathOf(secret)}`
    yield* Output.answer({
      json: { share_id: share.share_id, url, expires_at: share.expires_at },
      text: `${Output.facts([
        ["share_id", share.share_id],
        ["url", url],
        ["expires_at", expiresAt === null ? "never" : Output.moment(expiresAt)]
      ])}\nAnyone with this URL can see the statistics of the website, without small counts. The URL is not shown again.\n`
    })
  })
).pipe(
  Command.withDescription("Create a secret URL at which anyone can see a website's statistics"),
  Command.withExamples([
    {
      command: "hydracore share create --site 0f8fad5b-d9cb-469f-a165-70867728950e --label Agency --expires 90d",
      description: "An agency can view the statistics for ninety days"
    }
  ])
)

const list = Command.make(
  "list",
  { websiteConfigId: Inputs.optional(Inputs.site) },
  Effect.fnUntraced(function* ({ websiteConfigId }) {
    const directory = yield* SiteDirectory
    if (websiteConfigId !== null && Option.isNone(yield* directory.byWebsiteConfigId(websiteConfigId))) {
      return yield* Output.notFound("website", websiteConfigId)
    }
    const listed = yield* Shares.use((shares) => shares.list(websiteConfigId))
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["SHARE_ID", "LABEL", "CREATED", "EXPIRES", "WEBSITE"],
        listed.map((share) => [
          share.share_id,
          share.label ?? "-",
          Output.moment(Date.parse(share.created_at)),
          Output.moment(share.expires_at === null ? null : Date.parse(share.expires_at)),
          share.site_id
        ]),
        "No dashboard is shared. `hydracore share create --site …` shares one."
      )
    })
  })
).pipe(Command.withDescription("List the shared dashboards, oldest first, without their URLs"))

const revoke = Command.make(
  "revoke",
  { shareId: Inputs.shareId },
  Effect.fnUntraced(function* ({ shareId }) {
    if (!(yield* Shares.use((shares) => shares.revoke(null, shareId)))) {
      return yield* Output.notFound("shared dashboard", shareId)
    }
    yield* Output.answer({
      json: { share_id: shareId, revoked: true },
      text: `The dashboard ${shareId} is no longer shared.\n`
    })
  })
).pipe(Command.withDescription("Stop sharing a dashboard; takes effect in every process within a second"))

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | Shares, E, R>) =>
  Command.make("share").pipe(
    Command.withDescription("Dashboards that anyone with their secret URL can view"),
    Command.withSubcommands([
      create.pipe(Command.provide(storage)),
      list.pipe(Command.provide(storage)),
      revoke.pipe(Command.provide(storage))
    ])
  )
