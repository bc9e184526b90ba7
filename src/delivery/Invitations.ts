/**
 * Mails links to the console.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import * as Compose from "../core/mail/Compose.ts"
import * as InvitationMail from "../core/mail/InvitationMail.ts"
import { Invitations } from "../services/mail/Invitations.ts"
import { Mailer } from "../services/mail/Mailer.ts"
import type { Options } from "./TestDeliveries.ts"

/** Without a mail server or a console URL, `Invitations.mail` is none. If there is a console, it is at `publicUrl`. */
export const layer = ({ mail }: Options): Layer.Layer<Invitations> =>
  Option.match(
    Option.filter(mail, ({ sender }) => sender.consoleUrl !== null),
    {
      onNone: () => Layer.succeed(Invitations, { mail: Option.none() }),
      onSome: ({ mailer, sender: { from, publicUrl } }) =>
        Layer.effect(
          Invitations,
          Effect.map(Mailer, ({ send }) => ({
            mail: Option.some({
              origin: publicUrl,
              send: Effect.fnUntraced(function* (to: string, invitation: InvitationMail.Invitation) {
                const message = Compose.compose(InvitationMail.content(invitation), {
                  mailId: randomUUID(),
                  from,
                  to,
                  createdAt: yield* Clock.currentTimeMillis,
                  unsubscribeUrl: null
                })
                return yield* send(message)
              })
            })
          }))
        ).pipe(Layer.provide(mailer))
    }
  )
