/**
 * Sends mails. The interface only; see `delivery/SmtpMailer` and `memory/mail/Mailer`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { MailFacts } from "../../core/doctor/DeliveryDiagnosis.ts"
import type { Outcome } from "../../core/mail/MailSchedule.ts"
import type { Message } from "../../core/mail/Message.ts"

export class Mailer extends Context.Service<
  Mailer,
  {
    /** Attempts to send a mail, within 15 seconds. Never fails: a failure is an outcome. */
    readonly send: (message: Message) => Effect.Effect<Outcome>
    /** Connects and logs in as `send` does, and sends nothing. Within 15 seconds. */
    readonly check: Effect.Effect<MailFacts>
  }
>()("hydracore/services/Mailer") {}
