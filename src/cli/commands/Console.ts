/**
 * `console link`, `console sessions` and `console revoke`: who may open the console.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option } from "effect"
import { Command } from "effect/cli"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as ConsoleSession from "../../sites/access/ConsoleSession.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as AllParts from "../support/AllParts.ts"
import * as ConsoleUrl from "../support/ConsoleUrl.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import * as Revocation from "../support/Revocation.ts"

const link = Command.make(
  "link",
  {
    sites: Inputs.sites(
      "The website_config_id of a website that the person may open; repeatable; without the flag, all websites"
    ),
    role: Inputs.role,
    expires: Inputs.time("expires", "When the unused link expires, such as 30m or 2d; in an hour unless given"),
    label: Inputs.label("link"),
    baseUrl: Inputs.baseUrl
  },
  Effect.fnUntraced(function* (flags) {
    const origin = yield* ConsoleUrl.originOf(flags.baseUrl)
    const directory = yield* SiteDirectory
    const sessions = yield* ConsoleSession.ConsoleSessions
    const linkExpiresAt = yield* ConsoleUrl.readExpires(
      flags.expires,
      yield* Clock.currentTimeMillis,
      Calendar.hourMillis
    )
    for (const id of flags.sites) {
      if (Option.isNone(yield* directory.byWebsiteConfigId(id))) return yield* Output.notFound("website", id)
    }
    const sites = flags.sites.length === 0 ? "all" : flags.sites
    const created = yield* sessions.createLink({ role: flags.role, sites, label: flags.label, linkExpiresAt })
    // A website was deleted after it was found above.
    if (Option.isNone(created)) return yield* Output.notFound("website", flags.sites.join(" or "))
    const { session } = created.value
    const url = `${origin}${ConsoleSession.pathOf(created.value.link)}`
    yield* Output.answer({
      json: { session_id: session.session_id, url, expires_at: session.ends_at },
      text: `${Output.facts([
        ["session_id", session.session_id],
        ["url", url],
        ["expires_at", Output.time(session.ends_at)]
      ])}\nOpen it in a browser. It works once, and it is not shown again.\n`
    })
  })
).pipe(
  Command.withDescription("Print a link that opens the console once"),
  Command.withExamples([
    { command: "hydracore console link", description: "A link to all websites, valid for an hour" },
    {
      command:
        'hydracore console link --site 0f8fad5b-d9cb-469f-a165-70867728950e --role viewer --expires 2d --label "Ada"',
      description: "A colleague can view one website"
    }
  ])
)

const siteIds = ({ sites }: ConsoleSession.ConsoleSession): string => (sites === "all" ? "all" : sites.join(" "))

const sessions = Command.make(
  "sessions",
  {},
  Effect.fnUntraced(function* () {
    const service = yield* ConsoleSession.ConsoleSessions
    const listed = yield* AllParts.read(
      (range) => service.list({ ...range, sites: "all", reaching: null }),
      ConsoleSession.positionOf
    )
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["SESSION_ID", "LABEL", "ROLE", "STATE", "LAST USED", "ENDS", "WEBSITES"],
        listed.map((session) => [
          session.session_id,
          session.label ?? "-",
          session.role,
          session.opened_at === null ? "not opened" : "open",
          Output.time(session.last_used_at),
          Output.time(session.ends_at),
          siteIds(session)
        ]),
        "There are no sessions. `hydracore console link` prints a link that opens one."
      )
    })
  })
).pipe(Command.withDescription("List the sessions of the console, and the links that have not been opened"))

const revoke = Command.make(
  "revoke",
  { sessionId: Inputs.sessionId, withOpened: Inputs.withOpened("session") },
  Effect.fnUntraced(function* ({ sessionId, withOpened }) {
    const remaining = yield* ConsoleSession.ConsoleSessions.use((service) => service.revoke(sessionId, { withOpened }))
    if (Option.isNone(remaining)) return yield* Output.notFound("session", sessionId)
    yield* Output.answer({
      json: { session_id: sessionId, revoked: true, remaining: { ...remaining.value } },
      text: `The session ${sessionId} is revoked, with the keys and the unopened links that were made in it.\n${Revocation.remainingText(remaining.value, `console revoke --session-id ${sessionId}`)}`
    })
  })
).pipe(
  Command.withDescription(
    "End a session, or void its link, and revoke the keys that were issued in it; takes effect in every process within a second"
  ),
  Command.withExamples([
    {
      command: "hydracore console revoke --session-id 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --with-opened",
      description: "A session was stolen: end it with everything that came from it"
    }
  ])
)

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | ConsoleSession.ConsoleSessions, E, R>) =>
  Command.make("console").pipe(
    Command.withDescription("Who may open the console"),
    Command.withSubcommands([
      link.pipe(Command.provide(storage)),
      sessions.pipe(Command.provide(storage)),
      revoke.pipe(Command.provide(storage))
    ])
  )
