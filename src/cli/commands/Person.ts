/**
 * `person export` and `person erase`: a person's submissions and conversations with their deliveries, the notifications that the
 * person gets by mail, and what the console stores of the person. `person invite`, `person list` and `person remove`: the people who
 * log in to the console.
 *
 * @module
 */
import { Clock, Effect, Stream } from "effect"
import { Command } from "effect/cli"
import * as MailRecipient from "../../delivery/mail/MailRecipient.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import type { GrantedRole, ListedPerson } from "../../sites/access/Person.ts"
import * as Client from "../client/Client.ts"
import * as Connection from "../client/Connection.ts"
import * as Pages from "../client/Pages.ts"
import * as Websites from "../client/Websites.ts"
import * as Operator from "../operator/Operator.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import * as ServiceUrl from "../support/ServiceUrl.ts"

const flags = { email: Inputs.email, site: Inputs.optional(Inputs.site) }

/** The id of the website that `--site` names; null without the flag, which a running service needs. */
const siteOf = Effect.fnUntraced(function* (site: string | null) {
  const { url } = yield* Client.Client
  if (site === null && url !== null) {
    return yield* new Output.CliFailure({
      message:
        "A running service gives and erases a person's data by website: give --site. Without --url, the command works on all websites of DATABASE_URL."
    })
  }
  return yield* Websites.idOrNull(site)
})

const exportCommand = Command.make(
  "export",
  flags,
  Effect.fnUntraced(function* ({ email, site }) {
    const site_id = yield* siteOf(site)
    yield* Output.writeExport(
      site_id === null
        ? Stream.unwrap(Client.operator(Operator.persons, {}, (persons) => Effect.succeed(persons.export(email))))
        : Client.textOf(
            Websites.request("data", site_id, (data, params) => data.exportPerson({ params, payload: { email } }))
          ),
      `Nothing is stored of ${TerminalText.printable(email)}${site_id === null ? "" : " for this website"}.`
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
    const site_id = yield* siteOf(site)
    const facts = site_id === null ? {} : { notFound: Output.notFound("website", site_id) }
    const erased =
      site_id === null || url === null
        ? yield* Client.operator(Operator.persons, facts, (persons) => persons.erase(email, site_id))
        : yield* Websites.request("data", site_id, (data, params) => data.erasePerson({ params, payload: { email } }))
    yield* Output.answer({
      json: erased,
      text: `The data of ${TerminalText.printable(email)} is deleted:\n${Output.facts([
        ["submissions", String(erased.submissions)],
        ["conversations", String(erased.conversations)],
        ["notifications, with their mails", String(erased.notifications)],
        ["marks of spam", String(erased.spam_marks)],
        ["accounts of the console, and invitations", String(erased.accounts)],
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

const usualRole = "viewer"

const invite = Command.make(
  "invite",
  {
    address: Inputs.make("email", Inputs.recipientKind, "<address>", "The email address of the person"),
    sites: Inputs.sites(
      "The website_config_id or the name of a website that the person may open; repeatable; without the flag, all websites"
    ),
    role: Inputs.role(usualRole),
    expires: Inputs.time("expires", "When the unused link expires, such as 12h or 5d; by default in two days"),
    label: Inputs.label("link"),
    baseUrl: Inputs.baseUrl
  },
  Effect.fnUntraced(function* ({ address, ...flags }) {
    yield* Connection.requireLocal
    const origin = yield* ServiceUrl.originOf(flags.baseUrl)
    const now = yield* Clock.currentTimeMillis
    const expires_at = yield* ServiceUrl.readExpires(flags.expires, now, 48 * Calendar.hourMillis)
    const ids = yield* Effect.forEach(flags.sites, (site) => Effect.map(Websites.find(site), ({ site_id }) => site_id))
    const { label } = flags
    const sites = ids.length === 0 ? "all" : ids
    const created = yield* Client.operator(
      Operator.persons,
      { notFound: Output.notFound("website", flags.sites.join(" or ")) },
      (persons) =>
        persons.invite(address, origin, { role: flags.role ?? usualRole, sites, label, linkExpiresAt: expires_at })
    )
    const expires = Output.time(created.expires_at)
    yield* Output.answer({
      json: created,
      text:
        created.url === undefined
          ? `The mail server accepted a mail to ${TerminalText.printable(address)}. Its link works once, until ${expires}.\n\`hydracore console revoke --session-id ${created.session_id}\` ends the access.\n`
          : `SMTP_URL is not set, so no mail was sent. Send the person this link; it works once, until ${expires}:\n${created.url}\n`
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

const every = Client.owner("people", {}, (people) =>
  Pages.all("people", (query: Pages.PageQuery) => people.people({ query }))
)

const rolesText = (roles: ReadonlyArray<GrantedRole>): string =>
  roles
    .map(({ role, sites }) => {
      const of = sites === "all" ? "all websites" : sites.length === 1 ? "1 website" : `${sites.length} websites`
      return `${role} of ${of}`
    })
    .join(", ")

const list = Command.make(
  "list",
  { site: Inputs.optional(Inputs.site) },
  Effect.fnUntraced(function* ({ site }) {
    const site_id = yield* Websites.idOrNull(site)
    const listed =
      site_id === null
        ? yield* every
        : yield* Client.owner("people", { notFound: Output.notFound("website", site_id) }, (people) =>
            Pages.all("people", (query: Pages.PageQuery) => people.people({ query: { ...query, site_id } }))
          )
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["EMAIL", "NAME", "ROLES", "CONFIRMED", "LAST_USED"],
        listed.people.map(({ confirmed, email, last_used_at, name, roles }) => [
          email,
          name ?? "-",
          rolesText(roles),
          confirmed ? "yes" : "no",
          Output.time(last_used_at)
        ]),
        "Nobody logs in to the console with an address; `hydracore person invite` invites a person."
      )
    })
  })
).pipe(
  Command.withDescription("List the people who log in to the console, with their roles"),
  Command.withExamples([
    { command: "hydracore person list --site Shop", description: "The people who may open one website" }
  ])
)

const noPerson = (email: string) =>
  new Output.CliFailure({
    message: `Nobody logs in to the console as ${TerminalText.printable(email)}. \`hydracore person list\` lists the people.`
  })

/** The person has no role for the website that --site names, but may have one for all. */
const noRole = ({ email, roles }: Pick<ListedPerson, "email" | "roles">) => {
  const address = TerminalText.printable(email)
  return new Output.CliFailure({
    message: roles.some(({ sites }) => sites === "all")
      ? `${address} has a role for all websites, and none for this website alone. \`hydracore person remove --email ${address}\` takes all roles; then invite the person to the other websites: \`hydracore person invite --email ${address} --site <website>\`.`
      : `${address} has no role for this website. \`hydracore person list\` lists the people and their roles.`
  })
}

const remove = Command.make(
  "remove",
  flags,
  Effect.fnUntraced(function* ({ email, site }) {
    const site_id = yield* Websites.idOrNull(site)
    const { people } = yield* every
    const person = people.find((one) => MailRecipient.normalize(one.email) === MailRecipient.normalize(email))
    if (person === undefined) return yield* noPerson(email)
    const { person_id } = person
    const notFound = noRole(person)
    yield* Client.owner("people", { notFound }, (client) =>
      client.removePerson({ params: { person_id }, query: site_id === null ? {} : { site_id } })
    )
    yield* Output.answer({
      json: { person_id, removed: true },
      text: `${TerminalText.printable(person.email)} cannot open ${site_id === null ? "the console" : "this website"} any more, from the next second on. \`hydracore person erase\` deletes the person's data.\n`
    })
  })
).pipe(
  Command.withDescription(
    "Take the roles of a person in the console, for one website or for all; submissions and conversations with the address stay"
  ),
  Command.withExamples([
    { command: "hydracore person remove --email ann@example.com", description: "A colleague leaves" }
  ])
)

export const command = Client.command(
  "person",
  "A person's data, by email address, and the people who log in to the console",
  exportCommand,
  erase,
  invite,
  list,
  remove
)
