/**
 * Sends mails. The interface only; see `delivery/mail/SmtpMailer` and `delivery/mail/memory/Mailer`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Outcome } from "./MailSchedule.ts"
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
