/**
 * The data of a person on all websites, and in the conversations of instances without a website; and invitations to a console at any
 * address.
 *
 * @module
 */
import { Effect, Option, Schema, Stream } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as MailRecipient from "../../delivery/mail/MailRecipient.ts"
import { Notifications } from "../../delivery/mail/Notification.ts"
import { SecretsKeyUnusable } from "../../delivery/Webhook.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as DataApi from "../../privacy/OwnerDataApi.ts"
import * as Person from "../../privacy/Person.ts"
import * as ConsoleSession from "../../sites/access/ConsoleSession.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Fields from "../../sites/access/Fields.ts"
import * as MailedLink from "../../sites/access/MailedLink.ts"
import * as OwnerAccessApi from "../../sites/access/OwnerAccessApi.ts"
import { SiteSlots } from "../../sites/access/SiteSlots.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as ErrorMessages from "../support/ErrorMessages.ts"
import * as Operations from "./Operations.ts"

const { email } = DataApi.Person.fields

const exportPerson = HttpApiEndpoint.post("export", "/operator/persons/export", {
  payload: Schema.Struct({ email }),
  success: DataApi.exportedPerson,
  error: Operations.failures
})

/**
 * Deletes a person's data, also the record that the address unsubscribed. The owner API keeps that record, because otherwise an
 * owner could add the address again.
 */
const erasePerson = HttpApiEndpoint.post("erase", "/operator/persons/erase", {
  payload: Schema.Struct({ email, site_id: Schema.NullOr(WebsiteConfigId) }),
  success: DataApi.ErasedPerson,
  error: Operations.failures
})

/** Creates a link that opens a session of the person with an address, for a service that sends no mail. */
const login = HttpApiEndpoint.post("login", "/operator/persons/login", {
  payload: Schema.Struct({ email: OwnerAccessApi.email, expires_at: Fields.expiry("When the link expires") }),
  success: OwnerAccessApi.CreatedLink,
  error: Operations.failures
})

const CreatedLink = OwnerAccessApi.CreatedLink.fields

/**
 * Creates a link to the console and mails it, if this process sends mails. The owner API's links open the console of its service only,
 * so that no owner can mail an address of their own to strangers.
 */
const invite = HttpApiEndpoint.post("invite", "/operator/persons/invite", {
  payload: Schema.Struct({
    ...OwnerAccessApi.NewLink.fields,
    email: OwnerAccessApi.email,
    expires_at: Fields.expiry("When the link expires"),
    /** Of the console. */
    origin: Schema.String
  }),
  success: Schema.Struct({
    session_id: CreatedLink.session_id,
    mailed: CreatedLink.mailed,
    /** The link, unless it was mailed. */
    url: Schema.optionalKey(Schema.String),
    expires_at: CreatedLink.expires_at
  }),
  error: Operations.failures
})

export const Api = Operations.api(HttpApiGroup.make("persons").add(exportPerson, erasePerson, login, invite))

const noPerson =
  "No person logs in with this address. `hydracore person invite` invites one, and `hydracore console link` without --email prints a link."

/** Why an invitation was not mailed, and what the operator can do. */
const textOf = ({ reason }: MailedLink.NotMailed): string => {
  switch (reason._tag) {
    case "Unsubscribed":
      return MailRecipient.invitationRefusalText(reason)
    case "TooSoon":
      return `${reason.reason} Or print a link with \`hydracore console link\`, and send it to the person yourself.`
    case "NoKey":
      return ErrorMessages.of(new SecretsKeyUnusable({ reason: "missing" }))
    case "Refused":
      return `The mail server did not accept the mail: ${reason.error}. Check SMTP_URL and MAIL_FROM. The link is revoked.`
  }
}

export const layer = HttpApiBuilder.group(
  Api,
  "persons",
  Effect.fnUntraced(function* (handlers) {
    const directory = yield* SiteDirectory
    const { exports } = yield* SiteSlots
    const notifications = yield* Notifications
    const persons = yield* Person.Persons
    const links = yield* MailedLink.make
    const sessions = yield* ConsoleSession.ConsoleSessions
    return handlers
      .handle("export", ({ payload: { email } }) => {
        const records = persons.records({ address: email, websiteConfigId: null, kinds: Person.kinds })
        const lines = Stream.map(records, (record) => `${Person.exportLine(record)}\n`)
        return Effect.succeed(exports.file(lines, { name: "person.ndjson", contentType: "application/x-ndjson" }))
      })
      .handle(
        "erase",
        Effect.fnUntraced(function* ({ payload: { email, site_id } }) {
          if (site_id !== null && Option.isNone(yield* directory.byWebsiteConfigId(site_id))) {
            return yield* Effect.fail(Operations.noSite)
          }
          const erased = yield* persons.erase({ address: email, websiteConfigId: site_id, kinds: Person.kinds })
          yield* notifications.eraseRecipient(email, site_id)
          return erased
        })
      )
      .handle(
        "login",
        Effect.fnUntraced(function* ({ payload: { email, expires_at } }) {
          const created = yield* sessions.createLogin(email, expires_at, { isMailed: false })
          if (Option.isNone(created)) return yield* Effect.fail(Errors.invalid(null, noPerson))
          const { link, session } = created.value
          return {
            session_id: session.session_id,
            path: ConsoleSession.pathOf(link),
            mailed: false,
            expires_at: session.ends_at
          }
        })
      )
      .handle(
        "invite",
        Effect.fnUntraced(function* ({ payload: { email, expires_at, label = null, origin, role, sites } }) {
          const { isMailed, link, session } = yield* links
            .create({ role, sites, label, linkExpiresAt: expires_at }, email, { origin })
            .pipe(
              Effect.catchTags({
                NotMailed: (error) => Effect.fail(Errors.invalid(null, textOf(error)))
              })
            )
          return {
            session_id: session.session_id,
            mailed: isMailed,
            ...(!isMailed && { url: `${origin}${ConsoleSession.pathOf(link)}` }),
            expires_at: session.ends_at
          }
        })
      )
  })
)
