/**
 * `share create`, `share list` and `share revoke`: dashboards that anyone with their secret URL can view.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Client from "../client/Client.ts"
import * as Websites from "../client/Websites.ts"
import * as Operator from "../operator/Operator.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import * as ServiceUrl from "../support/ServiceUrl.ts"

const create = Command.make(
  "create",
  {
    site: Inputs.site,
    label: Inputs.label("shared dashboard"),
    expires: Inputs.expires("shared dashboard"),
    exact: Inputs.withoutValue("exact", "Show the numbers that the owner sees, not rounded ones"),
    withPassword: Inputs.withoutValue(
      "with-password",
      "Ask viewers for a password, which this command makes and prints"
    ),
    baseUrl: Inputs.baseUrl
  },
  Effect.fnUntraced(function* ({ baseUrl, exact, expires, label, site, withPassword }) {
    const { url: service } = yield* Client.Client
    const origin =
      service === null ? yield* ServiceUrl.originOf(baseUrl) : yield* ServiceUrl.addressOf(baseUrl, service)
    const expiresAt = yield* Inputs.readExpires(expires, yield* Clock.currentTimeMillis)
    // Not a flag's value: other users of the machine see the arguments of a process.
    const password = withPassword ? randomBytes(12).toString("base64url") : null
    const created = yield* Websites.request("shares", site, (shares, params) =>
      shares.create({
        params,
        payload: {
          ...(label !== null && { label }),
          ...(exact && { numbers: "exact" }),
          ...(password !== null && { password }),
          ...(expiresAt !== null && { expires_at: expiresAt })
        }
      })
    )
    const url = `${origin}${created.path}`
    yield* Output.answer({
      json: { ...created, url, ...(password !== null && { password }) },
      text: `${Output.facts([
        ["share_id", created.share_id],
        ["url", url],
        ...(password === null ? [] : [["password", password] as const]),
        ["expires_at", created.expires_at === null ? "never" : Output.time(created.expires_at)]
      ])}\nAnyone with this URL${password === null ? "" : " and the password"} can see the statistics of the website${exact ? "" : ", without small counts"}. ${password === null ? "The URL is" : "They are"} not shown again.\n`
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

/** The shared dashboards of a website, or of all that the key of a running service reaches, oldest first. */
const ofWebsites = Effect.fnUntraced(function* (named: WebsiteConfigId | null) {
  const ids = named === null ? (yield* Websites.every).map(({ site_id }) => site_id) : [named]
  const facts = named === null ? {} : { notFound: Output.notFound("website", named) }
  const lists = yield* Client.owner("shares", facts, (client) =>
    Effect.forEach(ids, (site_id) =>
      Effect.map(client.list({ params: { site_id } }), ({ shares }) => shares.map((share) => ({ ...share, site_id })))
    )
  )
  return lists.flat().sort((left, right) => left.created_at.localeCompare(right.created_at))
})

const list = Command.make(
  "list",
  { site: Inputs.optional(Inputs.site) },
  Effect.fnUntraced(function* ({ site }) {
    const { url } = yield* Client.Client
    const named = site === null ? null : yield* Websites.idOf(site)
    const shares =
      named === null && url === null
        ? yield* Client.operator(Operator.sites, {}, ({ shares }) => shares)
        : yield* ofWebsites(named)
    yield* Output.answer({
      json: { shares },
      text: Output.table(
        ["SHARE_ID", "LABEL", "NUMBERS", "PASSWORD", "CREATED", "EXPIRES", "WEBSITE"],
        shares.map((share) => [
          share.share_id,
          share.label ?? "-",
          share.numbers,
          share.has_password ? "yes" : "-",
          Output.time(share.created_at),
          Output.time(share.expires_at),
          share.site_id
        ]),
        "No dashboard is shared. `hydracore share create --site …` shares one."
      )
    })
  })
).pipe(Command.withDescription("List the shared dashboards, oldest first, without their URLs"))

const revoke = Command.make(
  "revoke",
  { shareId: Inputs.shareId, site: Websites.flagOf("shared dashboard") },
  Effect.fnUntraced(function* ({ shareId, site }) {
    yield* Websites.withRecord("shares", { kind: "share", id: shareId, site }, (shares, params) =>
      shares.revoke({ params: { ...params, share_id: shareId } })
    )
    yield* Output.answer({
      json: { share_id: shareId, revoked: true },
      text: `The dashboard ${shareId} is no longer shared.\n`
    })
  })
).pipe(Command.withDescription("Stop sharing a dashboard; takes effect in every process within a second"))

export const command = Client.command(
  "share",
  "Dashboards that anyone with their secret URL can view",
  create,
  list,
  revoke
)
