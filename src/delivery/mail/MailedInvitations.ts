/**
 * Mails links to the console.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option, Redacted } from "effect"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import type { Options } from "../SentTestDeliveries.ts"
import * as Compose from "./Compose.ts"
import * as InvitationMail from "./InvitationMail.ts"
import { Invitations } from "./Invitations.ts"
import * as InvitationToken from "./InvitationToken.ts"
import type * as MailDispatcher from "./MailDispatcher.ts"
import { Mailer } from "./Mailer.ts"

/** Sends an invitation at once. */
export const send = Effect.fnUntraced(function* (
  { from, publicUrl, secretsKey }: MailDispatcher.Options,
  invited: InvitationToken.Invited,
  invitation: InvitationMail.Invitation
) {
  const token = InvitationToken.seal(Redacted.value(secretsKey), randomBytes(Sealing.nonceBytes), invited)
  const message = Compose.compose(InvitationMail.content(invitation), {
    mailId: randomUUID(),
    from,
    to: invited.address,
    createdAt: yield* Clock.currentTimeMillis,
    unsubscribeUrl: `${publicUrl}/v1/public/mail/unsubscribe/${token}`
  })
  return yield* Mailer.use((mailer) => mailer.send(message))
})

/** Without a mail server or a console URL, `Invitations.mail` is none. If there is a console, it is at `publicUrl`. */
export const layer = ({ mail }: Options): Layer.Layer<Invitations> =>
  Option.match(
    Option.filter(mail, ({ sender }) => sender.consoleUrl !== null),
    {
      onNone: () => Layer.succeed(Invitations, { mail: Option.none() }),
      onSome: ({ mailer, sender }) =>
        Layer.effect(
          Invitations,
          Effect.map(Mailer, (mailer) => ({
            mail: Option.some({
              origin: sender.publicUrl,
              send: (invited: InvitationToken.Invited, invitation: InvitationMail.Invitation) =>
                Effect.provideService(send(sender, invited, invitation), Mailer, mailer)
            })
          }))
        ).pipe(Layer.provide(mailer))
    }
  )
