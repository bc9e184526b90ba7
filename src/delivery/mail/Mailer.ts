/**
 * Sends mails. The interface only; see `delivery/mail/SmtpMailer` and `delivery/mail/memory/Mailer`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { MailFacts } from "../../cli/doctor/DeliveryDiagnosis.ts"
import type { Outcome } from "./MailSchedule.ts"
import type { Message } from "./Message.ts"

export class Mailer extends Context.Service<
  Mailer,
  {
    /** Attempts to send a mail, within 15 seconds. Never fails: a failure is an outcome. */
    readonly send: (message: Message) => Effect.Effect<Outcome>
    /** Connects and logs in as `send` does, and sends nothing. Within 15 seconds. */
    readonly check: Effect.Effect<MailFacts>
  }
>()("hydracore/delivery/mail/Mailer") {}
