/**
 * How a process sends mails, and a mailer for tests that collects them. `delivery/mail/SmtpMailer` sends them.
 *
 * @module
 */
import { Context, Effect, type Option, type Redacted } from "effect"
import type { Mailbox } from "../../platform/text/MailAddress.ts"
import type { Outcome } from "./Mail.ts"
import type { Message } from "./Message.ts"

/** The outcome of a connection that logs in and sends no mail. */
export type MailFacts =
  | { readonly _tag: "Ready"; readonly isEncrypted: boolean; readonly isLocal: boolean }
  /** `error` is the server's answer, or what went wrong before an answer. It holds no password. */
  | { readonly _tag: "Failed"; readonly error: string }
  /** The server offers no TLS, and there is a password that must not be sent without it. */
  | { readonly _tag: "WithoutTls" }

/** Sends to one mail server. */
export interface Mailer {
  /** Attempts to send a mail, within 15 seconds. Never fails: a failure is an outcome. */
  readonly send: (message: Message) => Effect.Effect<Outcome>
  /** Connects and logs in as `send` does, and sends nothing. Within 15 seconds. */
  readonly check: Effect.Effect<MailFacts>
}

/** The sender of a process that sends mails. */
export interface Sender {
  readonly from: Mailbox
  /** The service's URL for browsers, without a trailing slash. */
  readonly publicUrl: string
  /** The console's URL without a trailing slash; null if `publicUrl` does not lead to the console. */
  readonly consoleUrl: string | null
  /** Signs the links to unsubscribe and to confirm. */
  readonly secretsKey: Redacted.Redacted<Uint8Array>
}

/** How a process sends mails. */
export interface Sending {
  readonly sender: Sender
  readonly mailer: Mailer
}

/** None if this process sends no mails, because `SMTP_URL` or `SECRETS_KEY` is not set. */
export class MailServer extends Context.Service<MailServer, Option.Option<Sending>>()(
  "hydracore/delivery/mail/MailServer"
) {}

/**
 * Collects the mails in `sent`.
 *
 * @param respond the outcome of a mail; by default each is accepted
 */
export const makeMemory = (
  sent: Array<Message>,
  respond: (message: Message) => Outcome = () => ({ _tag: "Accepted" })
): Mailer => ({
  check: Effect.succeed({ _tag: "Ready", isEncrypted: true, isLocal: true } as const),
  send: (message) =>
    Effect.sync(() => {
      sent.push(message)
      return respond(message)
    })
})
