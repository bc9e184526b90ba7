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

/** Without a mail server or a console URL, `mail` is none. */
export const layer = ({ mail }: Options): Layer.Layer<Invitations> =>
  Layer.effect(
    Invitations,
    Effect.gen(function* () {
      const usable = Option.filter(mail, ({ sender }) => sender.consoleUrl !== null)
      return {
        mail: yield* Effect.transposeOption(
          Option.map(usable, ({ mailer, sender: { from, publicUrl } }) =>
            Effect.map(Layer.build(mailer), (context) => ({
              origin: publicUrl,
              send: Effect.fnUntraced(function* (to: string, invitation: InvitationMail.Invitation) {
                const message = Compose.compose(InvitationMail.content(invitation), {
                  mailId: randomUUID(),
                  from,
                  to,
                  createdAt: yield* Clock.currentTimeMillis,
                  unsubscribeUrl: null
                })
                return yield* Mailer.use(({ send }) => send(message)).pipe(Effect.provide(context))
              })
            }))
          )
        )
      }
    })
  )
