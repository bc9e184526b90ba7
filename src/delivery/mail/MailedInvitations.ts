/**
 * Mails links to the console.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option, Redacted } from "effect"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import { type Invitation, Invitations, type Invited, type LoginLink } from "../../sites/access/MailedLink.ts"
import type { Options } from "../TestDeliveries.ts"
import * as Compose from "./Compose.ts"
import * as InvitationMail from "./InvitationMail.ts"
import * as LinkToken from "./LinkToken.ts"
import type { Outcome } from "./Mail.ts"
import type * as MailDispatcher from "./MailDispatcher.ts"
import { Mailer } from "./Mailer.ts"
import * as MailRecipient from "./MailRecipient.ts"
import { Notifications } from "./Notification.ts"

/** Sends an invitation at once. */
const send = Effect.fnUntraced(function* (
  { from, publicUrl, secretsKey }: MailDispatcher.Options,
  invited: Invited,
  invitation: Invitation
) {
  const token = LinkToken.sealInvitation(Redacted.value(secretsKey), randomBytes(Sealing.nonceBytes), invited)
  const message = Compose.compose(InvitationMail.content(invitation), {
    mailId: randomUUID(),
    from,
    to: invited.address,
    createdAt: yield* Clock.currentTimeMillis,
    unsubscribeUrl: `${publicUrl}/v1/public/mail/unsubscribe/${token}`
  })
  return yield* Mailer.use((mailer) => mailer.send(message))
})

/** Sends a link to log in at once. It has no link to unsubscribe: only a request of the person causes it. */
const sendLogin = Effect.fnUntraced(function* (
  { from, publicUrl }: MailDispatcher.Options,
  address: string,
  link: LoginLink
) {
  const message = Compose.compose(InvitationMail.loginContent(link, new URL(publicUrl).host), {
    mailId: randomUUID(),
    from,
    to: address,
    createdAt: yield* Clock.currentTimeMillis,
    unsubscribeUrl: null
  })
  return yield* Mailer.use((mailer) => mailer.send(message))
})

/** Without a mail server, `Invitations.mail` is none. If there is a console, it is at `publicUrl`. */
export const layer = ({ mail }: Options): Layer.Layer<Invitations, never, Notifications> =>
  Option.match(mail, {
    onNone: () => Layer.succeed(Invitations, { mail: Option.none() }),
    onSome: ({ mailer, sender }) =>
      Layer.effect(
        Invitations,
        Effect.gen(function* () {
          const mailer = yield* Mailer
          const { countInvitation } = yield* Notifications
          const errorOf = (sending: Effect.Effect<Outcome, never, Mailer>) =>
            Effect.map(Effect.provideService(sending, Mailer, mailer), (outcome) =>
              outcome._tag === "Accepted" ? null : outcome.error
            )
          return {
            mail: Option.some({
              origin: sender.consoleUrl === null ? null : sender.publicUrl,
              count: ({ address, sites }: Invited) =>
                Effect.map(countInvitation(sites, address), (decision) =>
                  decision._tag === "TooSoon"
                    ? { ...decision, reason: MailRecipient.invitationRefusalText(decision) }
                    : decision
                ),
              send: (invited: Invited, invitation: Invitation) => errorOf(send(sender, invited, invitation)),
              sendLogin: (address: string, link: LoginLink) => errorOf(sendLogin(sender, address, link))
            })
          }
        })
      ).pipe(Layer.provide(mailer))
  })
