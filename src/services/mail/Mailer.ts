/**
 * Sends mails. The interface only; see `delivery/SmtpMailer` and `memory/mail/Mailer`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Outcome } from "../../core/mail/MailSchedule.ts"
import type { Message } from "../../core/mail/Message.ts"

export class Mailer extends Context.Service<
  Mailer,
  {
    /** Attempts to send a mail, within 15 seconds. Never fails: what went wrong is an outcome. */
    readonly send: (message: Message) => Effect.Effect<Outcome>
  }
>()("hydracore/services/Mailer") {}
