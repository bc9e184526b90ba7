/**
 * `person export` and `person erase`: a person's submissions and conversations with their deliveries, and the notifications
 * that the person gets by mail. `person invite`: a link to the console by mail; the person's address is not stored.
 *
 * @module
 */
import { Clock, Effect, Layer, Option } from "effect"
import { Command } from "effect/cli"
import * as App from "../../App.ts"
import { Settings } from "../../Config.ts"
import * as ConfirmationRefusal from "../../delivery/mail/ConfirmationRefusal.ts"
import * as Invitations from "../../delivery/mail/MailedInvitations.ts"
import { Notifications } from "../../delivery/mail/Notifications.ts"
import { SecretsKeyUnusable } from "../../delivery/Webhook.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import type { Access } from "../../sites/access/Access.ts"
import * as ConsoleSession from "../../sites/access/ConsoleSession.ts"
import * as Client from "../client/Client.ts"
import * as Connection from "../client/Connection.ts"
import * as Websites from "../client/Websites.ts"
import * as ConsoleUrl from "../support/ConsoleUrl.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

const flags = { email: Inputs.email, site: Inputs.optional(Inputs.site) }

const exportCommand = Command.make(
  "export",
  flags,
  Effect.fnUntraced(function* ({ email, site }) {
    const site_id = yield* Websites.idOrNull(site)
    yield* Output.writeExport(
      Client.textOf(
        site_id === null
          ? Client.operator("persons", {}, (persons) => persons.export({ payload: { email } }))
          : Client.owner("data", { notFound: Output.notFound("website", site_id) }, (data) =>
              data.exportPerson({ params: { site_id }, payload: { email } })
            )
      )
    )
  })
).pipe(
  Command.withDescription("Write a person's data to stdout, one JSON object per line"),
  Command.withExamples([
    {
      command: "hydracore person export --email ann@example.com",
      description: "A visitor requests their data"
    }
  ])
)

const erase = Command.make(
  "erase",
  flags,
  Effect.fnUntraced(function* ({ email, site }) {
    const { url } = yield* Client.Client
    const site_id = yield* Websites.idOrNull(site)
    const facts = site_id === null ? {} : { notFound: Output.notFound("website", site_id) }
    const erased =
      site_id === null || url === null
        ? yield* Client.operator("persons", facts, (persons) => persons.erase({ payload: { email, site_id } }))
        : yield* Client.owner("data", facts, (data) => data.erasePerson({ params: { site_id }, payload: { email } }))
    yield* Output.answer({
      json: erased,
      text: `The data of ${TerminalText.printable(email)} is deleted:\n${Output.facts([
        ["submissions", String(erased.submissions)],
        ["conversations", String(erased.conversations)],
        ["notifications, with their mails", String(erased.notifications)],
        ["deliveries, whose entries remain without data", String(erased.deliveries)]
      ])}`
    })
  })
).pipe(
  Command.withDescription("Delete a person's data permanently; to see the data first, run `person export`"),
  Command.withExamples([
    {
      command: "hydracore person erase --email ann@example.com",
      description: "A visitor asks for erasure"
    }
  ])
)

/** Fails if the address unsubscribed, or may get no further mail now because it has not confirmed. */
const countInvitation = Effect.fnUntraced(function* (sites: Access["sites"], address: string) {
  const decision = yield* Notifications.use((notifications) => notifications.countInvitation(sites, address))
  if (decision._tag === "Accepted") return
  if (decision._tag === "NoKey") return yield* new SecretsKeyUnusable({ reason: "missing" })
  const unmailed = "Or print a link with `hydracore console link`, and send it to the person yourself."
  const reason = ConfirmationRefusal.ofInvitation(decision)
  return yield* new Output.CliFailure({ message: decision._tag === "TooSoon" ? `${reason} ${unmailed}` : reason })
})

const invite = Command.make(
  "invite",
  {
    address: Inputs.make("email", Inputs.recipientKind, "<address>", "The email address of the person"),
    sites: Inputs.sites(
      "The website_config_id or the name of a website that the person may open; repeatable; without the flag, all websites"
    ),
    role: Inputs.roleOr("viewer"),
    expires: Inputs.time("expires", "When the unused link expires, such as 12h or 5d; by default in two days"),
    label: Inputs.label("person"),
    baseUrl: Inputs.baseUrl
  },
  Effect.fnUntraced(function* ({ address, ...flags }) {
    const settings = yield* Settings
    const sending = App.mail(settings)
    const origin = yield* ConsoleUrl.originOf(flags.baseUrl)
    const createdAt = yield* Clock.currentTimeMillis
    const linkExpiresAt = yield* ConsoleUrl.readExpires(flags.expires, createdAt, 48 * Calendar.hourMillis)
    const found = yield* Effect.forEach(flags.sites, Websites.find)
    const websites = found.length === 0 ? null : found.map(({ name }) => name)
    yield* Connection.requireLocal
    const sessions = yield* ConsoleSession.ConsoleSessions
    const sites = found.length === 0 ? "all" : found.map(({ site_id }) => site_id)
    if (Option.isSome(sending)) yield* countInvitation(sites, address)
    const created = yield* sessions.createLink({ role: flags.role, sites, label: flags.label, linkExpiresAt })
    if (Option.isNone(created)) return yield* Output.notFound("website", flags.sites.join(" or "))
    const { link, session } = created.value
    const url = `${origin}${ConsoleSession.pathOf(link)}`
    const expires = Output.moment(linkExpiresAt)
    if (Option.isNone(sending)) {
      return yield* Output.answer({
        json: { session_id: session.session_id, mailed: false, url, expires_at: Calendar.iso(linkExpiresAt) },
        text: `SMTP_URL is not set, so no mail was sent. Send the person this link; it works once, until ${expires}:\n${url}\n`
      })
    }
    const { mailer, sender } = sending.value
    const invitation = { websites, role: flags.role, url, expires }
    const outcome = yield* Effect.provide(Invitations.send(sender, { address, sites }, invitation), mailer)
    if (outcome._tag !== "Accepted") {
      yield* sessions.revoke(session.session_id)
      return yield* new Output.CliFailure({
        message: `The mail server did not accept the mail: ${TerminalText.printable(outcome.error)}. Check SMTP_URL and MAIL_FROM. The link is revoked.`
      })
    }
    yield* Output.answer({
      json: { session_id: session.session_id, mailed: true, expires_at: Calendar.iso(linkExpiresAt) },
      text: `The mail server accepted a mail to ${TerminalText.printable(address)}. Its link works once, until ${expires}.\n\`hydracore console revoke --session-id ${session.session_id}\` ends the access.\n`
    })
  })
).pipe(
  Command.withDescription("Send a person a link to the console by mail; without SMTP_URL, print it"),
  Command.withExamples([
    {
      command:
        "hydracore person invite --email ann@example.com --site 0f8fad5b-d9cb-469f-a165-70867728950e --role viewer",
      description: "A colleague can view one website"
    }
  ])
)

/** The command. `client` and `storage` are built only when a subcommand that needs them runs. */
export const command = <E, R, EClient, RClient>(
  client: Layer.Layer<Client.Client, EClient, RClient>,
  storage: Layer.Layer<ConsoleSession.ConsoleSessions | Notifications, E, R>
) =>
  Command.make("person").pipe(
    Command.withDescription("A person's data, by email address, and invitations to the console"),
    Command.withSubcommands([
      exportCommand.pipe(Command.provide(client)),
      erase.pipe(Command.provide(client)),
      invite.pipe(Command.provide(Layer.merge(client, storage)))
    ])
  )
