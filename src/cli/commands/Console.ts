/**
 * `console link`, `console sessions` and `console revoke`: who may open the console.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Client from "../client/Client.ts"
import * as Connection from "../client/Connection.ts"
import * as Pages from "../client/Pages.ts"
import * as Websites from "../client/Websites.ts"
import * as Operator from "../operator/Operator.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import * as ServiceUrl from "../support/ServiceUrl.ts"
import * as Key from "./Key.ts"

const usualRole = "owner"

const link = Command.make(
  "link",
  {
    sites: Inputs.sites(
      "The website_config_id or the name of a website that the person may open; repeatable; without the flag, all websites"
    ),
    role: Inputs.role(usualRole),
    expires: Inputs.time("expires", "When the unused link expires, such as 30m or 2d; in an hour unless given"),
    label: Inputs.label("link"),
    email: Inputs.optional(
      Inputs.make(
        "email",
        Inputs.recipientKind,
        "<address>",
        "Open a session of the person who logs in with this address"
      )
    ),
    baseUrl: Inputs.baseUrl
  },
  Effect.fnUntraced(function* (flags) {
    yield* Connection.requireLocal
    // A person has websites and a role already, and a session of a person is listed with the address.
    for (const [flag, isGiven] of [
      ["site", flags.sites.length > 0],
      ["role", flags.role !== null],
      ["label", flags.label !== null]
    ] as const) {
      if (flags.email !== null && isGiven) return yield* Inputs.wrong(flag, "left out when --email is given")
    }
    const origin = yield* ServiceUrl.originOf(flags.baseUrl)
    const now = yield* Clock.currentTimeMillis
    const expires_at = yield* ServiceUrl.readExpires(flags.expires, now, Calendar.hourMillis)
    const ids = yield* Effect.forEach(flags.sites, (site) => Effect.map(Websites.find(site), ({ site_id }) => site_id))
    const { label, role } = flags
    const created =
      flags.email === null
        ? yield* Client.owner("sessions", {}, (sessions) =>
            sessions.createLink({
              payload: {
                role: role ?? usualRole,
                sites: ids.length === 0 ? "all" : ids,
                ...(label !== null && { label }),
                expires_at
              }
            })
          )
        : yield* Client.operator(Operator.persons, {}, (persons) => persons.login(flags.email ?? "", expires_at))
    const url = `${origin}${created.path}`
    yield* Output.answer({
      json: { ...created, url },
      text: `${Output.facts([
        ["session_id", created.session_id],
        ["url", url],
        ["expires_at", Output.time(created.expires_at)]
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
    },
    {
      command: "hydracore console link --email ada@example.com",
      description: "A person logs in, although the service sends no mail"
    }
  ])
)

/** The websites of a role. */
const siteIds = ({ sites }: { readonly sites: "all" | ReadonlyArray<string> }): string =>
  sites === "all" ? "all" : sites.join(" ")

const sessions = Command.make(
  "sessions",
  {},
  Effect.fnUntraced(function* () {
    const listed = yield* Client.owner("sessions", {}, (sessions) =>
      Pages.all("sessions", (query: Pages.PageQuery) => sessions.sessions({ query }))
    )
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["SESSION_ID", "LABEL", "ROLE", "STATE", "LAST USED", "ENDS", "WEBSITES"],
        listed.sessions.map((session) => [
          session.session_id,
          session.label ?? session.email ?? "-",
          session.roles.map(({ role }) => role).join(" "),
          session.opened_at === null ? "not opened" : "open",
          Output.time(session.last_used_at),
          Output.time(session.ends_at),
          session.roles.map(siteIds).join(" ")
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
    const { remaining } = yield* Client.owner(
      "sessions",
      { notFound: Output.notFound("session", sessionId) },
      (sessions) =>
        sessions.revokeSession({
          params: { session_id: sessionId },
          query: { with_opened: withOpened ? "true" : "false" }
        })
    )
    yield* Output.answer({
      json: { session_id: sessionId, revoked: true, remaining },
      text: `The session ${sessionId} is revoked, with the keys and the unopened links that were made in it.\n${Key.remainingText(remaining, `console revoke --session-id ${sessionId}`)}`
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

export const command = Client.command("console", "Who may open the console", link, sessions, revoke)
