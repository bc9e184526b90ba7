/**
 * Sends mails: the service, and a layer for tests that collects them. `delivery/mail/SmtpMailer` sends them.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import type { Outcome } from "./Mail.ts"
import type { Message } from "./Message.ts"

/** The outcome of a connection that logs in and sends no mail. */
export type MailFacts =
  | { readonly _tag: "Ready"; readonly isEncrypted: boolean; readonly isLocal: boolean }
  /** `error` is the server's answer, or what went wrong before an answer. It holds no password. */
  | { readonly _tag: "Failed"; readonly error: string }
  /** The server offers no TLS, and there is a password that must not be sent without it. */
  | { readonly _tag: "WithoutTls" }

export class Mailer extends Context.Service<
  Mailer,
  {
    /** Attempts to send a mail, within 15 seconds. Never fails: a failure is an outcome. */
    readonly send: (message: Message) => Effect.Effect<Outcome>
    /** Connects and logs in as `send` does, and sends nothing. Within 15 seconds. */
    readonly check: Effect.Effect<MailFacts>
  }
>()("hydracore/delivery/mail/Mailer") {}

/**
 * Collects the mails in `sent`.
 *
 * @param respond the outcome of a mail; by default each is accepted
 */
export const layerMemory = (
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
