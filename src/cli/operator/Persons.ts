/**
 * The data of a person on all websites, and in the conversations of instances without a website; and invitations to a console at any
 * address.
 *
 * @module
 */
import { Effect, Option, Stream } from "effect"
import * as MailRecipient from "../../delivery/mail/MailRecipient.ts"
import { Notifications } from "../../delivery/mail/Notification.ts"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Person from "../../privacy/Person.ts"
import * as ConsoleSession from "../../sites/access/ConsoleSession.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as MailedLink from "../../sites/access/MailedLink.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"

const noPerson =
  "No person logs in with this address. `hydracore person invite` invites one, and `hydracore console link` without --email prints a link."

/** Why an invitation was not mailed, and what the operator can do. */
const textOf = ({ reason }: MailedLink.NotMailed): string => {
  switch (reason._tag) {
    case "Unsubscribed":
      return MailRecipient.invitationRefusalText(reason)
    case "TooSoon":
      return `${reason.reason} Or print a link with \`hydracore console link\`, and send it to the person yourself.`
    case "Refused":
      return `The mail server did not accept the mail: ${reason.error}. Check SMTP_URL and MAIL_FROM. The link is revoked.`
  }
}

export const make = Effect.fnUntraced(function* () {
  const directory = yield* SiteDirectory
  const notifications = yield* Notifications
  const persons = yield* Person.Persons
  const links = yield* MailedLink.make
  const sessions = yield* ConsoleSession.ConsoleSessions
  return {
    /** The lines of an export. */
    export: (email: string) =>
      Stream.map(
        persons.records({ address: email, websiteConfigId: null, kinds: Person.kinds }),
        (record) => `${Person.exportLine(record)}\n`
      ),
    /**
     * Deletes a person's data, of one website or all, also the record that the address unsubscribed. The owner API keeps that record,
     * because otherwise an owner could add the address again.
     */
    erase: Effect.fnUntraced(function* (email: string, siteId: WebsiteConfigId | null) {
      if (siteId !== null && Option.isNone(yield* directory.byWebsiteConfigId(siteId))) {
        return yield* Effect.fail(Errors.unknownSite)
      }
      const erased = yield* persons.erase({ address: email, websiteConfigId: siteId, kinds: Person.kinds })
      yield* notifications.eraseRecipient(email, siteId)
      return erased
    }),
    /** Creates a link that opens a session of the person with an address, for a service that sends no mail. */
    login: Effect.fnUntraced(function* (email: string, expiresAt: number) {
      const created = yield* sessions.createLogin(email, expiresAt, { isMailed: false })
      if (Option.isNone(created)) return yield* Effect.fail(Errors.invalid(null, noPerson))
      const { link, session } = created.value
      return {
        session_id: session.session_id,
        path: ConsoleSession.pathOf(link),
        mailed: false,
        expires_at: session.ends_at
      }
    }),
    /**
     * Creates a link to the console at an origin and mails it, if this process sends mails; otherwise returns it. The owner API's links
     * open the console of its service only, so that no owner can mail an address of their own to strangers.
     */
    invite: Effect.fnUntraced(function* (email: string, origin: string, request: ConsoleSession.LinkRequest) {
      const { isMailed, link, session } = yield* links
        .create(request, email, { origin })
        .pipe(Effect.catchTag("NotMailed", (error) => Effect.fail(Errors.invalid(null, textOf(error)))))
      return {
        session_id: session.session_id,
        mailed: isMailed,
        ...(!isMailed && { url: `${origin}${ConsoleSession.pathOf(link)}` }),
        expires_at: session.ends_at
      }
    })
  }
})
