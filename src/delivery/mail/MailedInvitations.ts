/**
 * Mails links to the console.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option, Redacted } from "effect"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import { type Invitation, Invitations, type Invited, type LoginLink } from "../../sites/access/MailedLink.ts"
import * as Compose from "./Compose.ts"
import * as InvitationMail from "./InvitationMail.ts"
import * as LinkToken from "./LinkToken.ts"
import { MailServer, type Sender } from "./Mailer.ts"
import * as MailRecipient from "./MailRecipient.ts"
import type { Message } from "./Message.ts"
import { Notifications } from "./Notification.ts"

const invitationTo = Effect.fnUntraced(function* (
  { from, publicUrl, secretsKey }: Sender,
  invited: Invited,
  invitation: Invitation
) {
  const token = LinkToken.sealInvitation(Redacted.value(secretsKey), randomBytes(Sealing.nonceBytes), invited)
  return Compose.compose(InvitationMail.content(invitation), {
    mailId: randomUUID(),
    from,
    to: invited.address,
    createdAt: yield* Clock.currentTimeMillis,
    unsubscribeUrl: `${publicUrl}/v1/public/mail/unsubscribe/${token}`
  })
})

/** It has no link to unsubscribe: only a request of the person causes it. */
const loginTo = Effect.fnUntraced(function* ({ from, publicUrl }: Sender, address: string, link: LoginLink) {
  return Compose.compose(InvitationMail.loginContent(link, new URL(publicUrl).host), {
    mailId: randomUUID(),
    from,
    to: address,
    createdAt: yield* Clock.currentTimeMillis,
    unsubscribeUrl: null
  })
})

/** Without a mail server, `Invitations.mail` is none. If there is a console, it is at `publicUrl`. */
export const layer: Layer.Layer<Invitations, never, Notifications | MailServer> = Layer.effect(
  Invitations,
  Effect.gen(function* () {
    const { countInvitation } = yield* Notifications
    const mail = Option.map(yield* MailServer, ({ mailer, sender }) => {
      const errorOf = (message: Effect.Effect<Message>) =>
        Effect.map(Effect.flatMap(message, mailer.send), (outcome) =>
          outcome._tag === "Accepted" ? null : outcome.error
        )
      return {
        origin: sender.consoleUrl === null ? null : sender.publicUrl,
        count: ({ address, sites }: Invited) =>
          Effect.map(countInvitation(sites, address), (decision) =>
            decision._tag === "TooSoon"
              ? { ...decision, reason: MailRecipient.invitationRefusalText(decision) }
              : decision
          ),
        send: (invited: Invited, invitation: Invitation) => errorOf(invitationTo(sender, invited, invitation)),
        sendLogin: (address: string, link: LoginLink) => errorOf(loginTo(sender, address, link))
      }
    })
    return { mail }
  })
)
