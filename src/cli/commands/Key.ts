/**
 * `key issue`, `key list` and `key revoke`: the keys of the owner API.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import { CliError, Command } from "effect/cli"
import type { Remaining } from "../../sites/access/Credential.ts"
import * as Credential from "../../sites/access/Credential.ts"
import * as OwnerKey from "../../sites/access/OwnerKey.ts"
import * as Client from "../client/Client.ts"
import * as Pages from "../client/Pages.ts"
import * as Websites from "../client/Websites.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

/** The websites that the flags name. Fails without websites, with both flags, and if a website does not exist. */
const readSites = Effect.fnUntraced(function* (sites: ReadonlyArray<string>, allSites: boolean) {
  if (allSites === sites.length > 0) {
    return yield* new CliError.ValidationError({
      message: "Name the websites that the key reaches, with --site for each of them or with --all-sites."
    })
  }
  if (allSites) return "all"
  return yield* Effect.forEach(sites, (site) => Effect.map(Websites.find(site), ({ site_id }) => site_id))
})

const notForAll = new Output.CliFailure({
  message: "Only a key with the scope write that reaches all websites can issue one for all websites."
})

const issue = Command.make(
  "issue",
  {
    sites: Inputs.sites("The website_config_id or the name of a website that the key reaches; repeatable"),
    allSites: Inputs.withoutValue("all-sites", "The key reaches every website, including those that are created later"),
    scope: Inputs.scope,
    expires: Inputs.expires("key"),
    label: Inputs.label("key")
  },
  Effect.fnUntraced(function* ({ allSites, expires, label, scope, sites: ids }) {
    const expiresAt = yield* Inputs.readExpires(expires, yield* Clock.currentTimeMillis)
    const sites = yield* readSites(ids, allSites)
    // A website was deleted after `readSites` found it.
    const notFound = Output.notFound("website", ids.join(" or "))
    const facts = { notFound, ...(sites === "all" && { notReached: notForAll }) }
    const issued = yield* Client.owner("keys", facts, (keys) =>
      keys.issueKey({
        payload: {
          scope,
          sites,
          ...(label !== null && { label }),
          ...(expiresAt !== null && { expires_at: expiresAt })
        }
      })
    )
    yield* Output.answer({
      json: issued,
      text: `${Output.facts([
        ["key_id", issued.key_id],
        ["key", issued.key],
        ["scope", scope],
        ["expires_at", issued.expires_at === null ? "never" : Output.time(issued.expires_at)]
      ])}\nSave the key now: it is not shown again.\n`
    })
  })
).pipe(
  Command.withDescription("Issue a key for the owner API; the key is shown only once"),
  Command.withExamples([
    {
      command: 'hydracore key issue --site 0f8fad5b-d9cb-469f-a165-70867728950e --label "Dashboard"',
      description: "A key that reads the statistics of one website"
    },
    {
      command: "hydracore key issue --all-sites --scope read --expires 90d",
      description: "A key that reads everything of every website for ninety days"
    }
  ])
)

const siteIds = ({ sites }: OwnerKey.OwnerKey): string => (sites === "all" ? "all" : sites.join(" ") || "none")

const every = Client.owner("keys", {}, (keys) => Pages.all("keys", (query: Pages.PageQuery) => keys.keys({ query })))

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const listed = yield* every
    const now = yield* Clock.currentTimeMillis
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["KEY_ID", "LABEL", "SCOPE", "STATE", "CREATED", "EXPIRES", "WEBSITES"],
        listed.keys.map((key) => [
          key.key_id,
          key.label ?? "-",
          key.scope,
          Credential.stateAt(OwnerKey.validityOf(key), now),
          Output.time(key.created_at),
          Output.time(key.expires_at),
          siteIds(key)
        ]),
        "There are no keys yet. `hydracore key issue` issues one."
      )
    })
  })
).pipe(Command.withDescription("List the keys of the owner API, oldest first, without their secrets"))

const counted = (count: number, one: string, many: string): ReadonlyArray<string> =>
  count === 0 ? [] : [count === 1 ? `1 ${one}` : `${count} ${many}`]

/** What remains valid, and the command that ends it; empty if nothing remains. */
export const remainingText = ({ keys, sessions }: Remaining, command: string): string => {
  const parts = [...counted(sessions, "session or link", "sessions and links"), ...counted(keys, "key", "keys")]
  if (parts.length === 0) return ""
  return `Still valid, because they come from links that were opened: ${parts.join(", and ")}. \`hydracore ${command} --with-opened\` ends them too.\n`
}

const revoke = Command.make(
  "revoke",
  { keyId: Inputs.keyId, withOpened: Inputs.withOpened("key") },
  Effect.fnUntraced(function* ({ keyId, withOpened }) {
    const { remaining } = yield* Client.owner("keys", { notFound: Output.notFound("key", keyId) }, (keys) =>
      keys.revokeKey({ params: { key_id: keyId }, query: { with_opened: withOpened ? "true" : "false" } })
    )
    yield* Output.answer({
      json: { key_id: keyId, revoked: true, remaining: { ...remaining } },
      text: `The key ${keyId} is revoked, with the keys and the unopened links that it issued.\n${remainingText(remaining, `key revoke --key-id ${keyId}`)}`
    })
  })
).pipe(Command.withDescription("Revoke a key and those that it issued; takes effect in every process within a second"))

export const command = Client.command("key", "Keys of the owner API", issue, list, revoke)
