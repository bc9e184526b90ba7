/**
 * A mailer that collects the mails, for tests.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import type { Outcome } from "../../core/mail/MailSchedule.ts"
import type { Message } from "../../core/mail/Message.ts"
import { Mailer } from "../../services/mail/Mailer.ts"

/** @param respond the outcome of a mail; by default each is accepted */
export const layer = (
  sent: Array<Message>,
  respond: (message: Message) => Outcome = () => ({ _tag: "Accepted" })
): Layer.Layer<Mailer> =>
  Layer.succeed(Mailer, {
    check: Effect.succeed({ _tag: "Ready", isEncrypted: true, isLocal: true } as const),
    send: (message) =>
      Effect.sync(() => {
        sent.push(message)
        return respond(message)
      })
  })
