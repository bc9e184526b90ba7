/**
 * A mailer that collects the mails, for tests.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { Mailer } from "../Mailer.ts"
import type { Outcome } from "../MailSchedule.ts"
import type { Message } from "../Message.ts"

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
