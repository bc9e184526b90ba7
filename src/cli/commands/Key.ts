/**
 * `key issue`, `key list` and `key revoke`: the keys of the owner API.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option } from "effect"
import { CliError, Command } from "effect/cli"
import * as Calendar from "../../platform/text/Calendar.ts"
import type { Access } from "../../sites/access/Access.ts"
import * as Credential from "../../sites/access/Credential.ts"
import { positionOf } from "../../sites/access/OwnerKey.ts"
import { OwnerKeys } from "../../sites/access/OwnerKeys.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as AllParts from "../support/AllParts.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import * as Revocation from "../support/Revocation.ts"

/** The websites that the flags name. Fails without websites, with both flags, and if a website does not exist. */
const readSites = Effect.fnUntraced(function* (sites: ReadonlyArray<string>, allSites: boolean) {
  if (allSites === sites.length > 0) {
    return yield* new CliError.ValidationError({
      message: "Name the websites that the key reaches, with --site for each of them or with --all-sites."
    })
  }
  if (allSites) return "all"
  const directory = yield* SiteDirectory
  for (const id of sites) {
    if (Option.isNone(yield* directory.byWebsiteConfigId(id))) return yield* Output.notFound("website", id)
  }
  return sites
})

const issue = Command.make(
  "issue",
  {
    sites: Inputs.sites("The website_config_id of a website that the key reaches; repeatable"),
    allSites: Inputs.withoutValue("all-sites", "The key reaches every website, including those that are created later"),
    scope: Inputs.scope,
    expires: Inputs.expires("key"),
    label: Inputs.label("key")
  },
  Effect.fnUntraced(function* (flags) {
    const keys = yield* OwnerKeys
    const now = yield* Clock.currentTimeMillis
    const expiresAt = yield* Inputs.readExpires(flags.expires, now)
    const sites = yield* readSites(flags.sites, flags.allSites)
    const issued = yield* keys.issue({ scope: flags.scope, sites, label: flags.label, expiresAt })
    // A website was deleted after `readSites` found it.
    if (Option.isNone(issued)) return yield* Output.notFound("website", flags.sites.join(" or "))
    const key = issued.value
    yield* Output.answer({
      json: { key_id: key.keyId, key: key.key, expires_at: Calendar.isoOrNull(key.expiresAt) },
      text: `${Output.facts([
        ["key_id", key.keyId],
        ["key", key.key],
        ["expires_at", key.expiresAt === null ? "never" : Output.moment(key.expiresAt)]
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

const siteIds = ({ sites }: Pick<Access, "sites">): string => (sites === "all" ? "all" : sites.join(" ") || "none")

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const keys = yield* OwnerKeys
    const listed = yield* AllParts.read(
      (range) => keys.list({ ...range, sites: "all", reaching: null, unrevoked: false }),
      positionOf
    )
    const now = yield* Clock.currentTimeMillis
    yield* Output.answer({
      json: listed.map((key) => ({
        key_id: key.keyId,
        scope: key.scope,
        sites: key.sites === "all" ? key.sites : [...key.sites],
        label: key.label,
        created_at: Calendar.iso(key.createdAt),
        expires_at: Calendar.isoOrNull(key.expiresAt),
        revoked_at: Calendar.isoOrNull(key.revokedAt),
        issued_by: key.issuedBy
      })),
      text: Output.table(
        ["KEY_ID", "LABEL", "SCOPE", "STATE", "CREATED", "EXPIRES", "WEBSITES"],
        listed.map((key) => [
          key.keyId,
          key.label ?? "-",
          key.scope,
          Credential.stateAt(key, now),
          Output.moment(key.createdAt),
          Output.moment(key.expiresAt),
          siteIds(key)
        ]),
        "There are no keys yet. `hydracore key issue` issues one."
      )
    })
  })
).pipe(Command.withDescription("List the keys of the owner API, oldest first, without their secrets"))

const revoke = Command.make(
  "revoke",
  { keyId: Inputs.keyId, withOpened: Inputs.withOpened("key") },
  Effect.fnUntraced(function* ({ keyId, withOpened }) {
    const remaining = yield* OwnerKeys.use((keys) => keys.revoke(keyId, { withOpened }))
    if (Option.isNone(remaining)) return yield* Output.notFound("key", keyId)
    yield* Output.answer({
      json: { key_id: keyId, revoked: true, remaining: { ...remaining.value } },
      text: `The key ${keyId} is revoked, with the keys and the unopened links that it issued.\n${Revocation.remainingText(remaining.value, `key revoke --key-id ${keyId}`)}`
    })
  })
).pipe(Command.withDescription("Revoke a key and those that it issued; takes effect in every process within a second"))

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | OwnerKeys, E, R>) =>
  Command.make("key").pipe(
    Command.withDescription("Keys of the owner API"),
    Command.withSubcommands([
      issue.pipe(Command.provide(storage)),
      list.pipe(Command.provide(storage)),
      revoke.pipe(Command.provide(storage))
    ])
  )
