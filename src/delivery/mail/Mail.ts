/**
 * A mail from its creation until it is sent: what follows an attempt to send it, which SMTP errors are final, and the service that makes
 * mails, leases them to processes and records whether they were sent; see `delivery/mail/postgres/Mails`. `Deliveries.fanOut` assigns
 * submissions to recipients.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Submission } from "../../forms/Submission.ts"
import { delays, jitter } from "../../platform/outward/Schedule.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import type { Site } from "../../sites/Site.ts"
import type { Range } from "./MailTimes.ts"
import type { StoredNotification } from "./Notification.ts"
import type { DisabledWebhook, Problems } from "./ProblemMail.ts"
import type { MailedConversations } from "./SubmissionMail.ts"

/** What a mail is about. */
export type Subject =
  | {
      readonly kind: "submissions"
      /** The first `SubmissionMail.maxShown` submissions of the mail, oldest first. */
      readonly submissions: ReadonlyArray<Submission>
      /** The number of all submissions of the mail; 0 if they were deleted meanwhile. */
      readonly count: number
      /** The same of its conversations. */
      readonly conversations: MailedConversations
    }
  | { readonly kind: "report"; readonly range: Range }
  | { readonly kind: "webhook-disabled"; readonly webhook: DisabledWebhook }
  | { readonly kind: "problems"; readonly problems: Problems }
  /** Asks whether the recipient wants the website's mails. */
  | { readonly kind: "confirmation" }

/** The website of a mail. */
export type MailSite = Pick<Site, "websiteConfigId" | "hostedWebsiteId" | "name" | "timeZone">

/** A mail that a process has leased to send it. */
export interface LeasedMail {
  readonly mailId: string
  /** The number of this attempt, from 1. It identifies the lease, since the count of attempts never restarts. */
  readonly attempt: number
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly notification: StoredNotification
  readonly site: MailSite
  readonly subject: Subject
}

export type Outcome =
  /** The server accepted the mail. */
  | { readonly _tag: "Accepted" }
  /** The server refused the recipient or the message permanently. */
  | { readonly _tag: "Refused"; readonly error: string }
  /** Any other error, such as a server that is down or does not accept our password. */
  | { readonly _tag: "Failed"; readonly error: string }

/** Times are milliseconds since 1970. */
export type Next =
  | { readonly status: "sent" }
  | { readonly status: "failed" }
  /** The mail no longer has content. */
  | { readonly status: "cancelled" }
  | { readonly status: "pending"; readonly nextAttemptAt: number }

/**
 * The state of a mail after an attempt. The delays are those of webhooks.
 *
 * @param attempt the number of the attempt, from 1
 * @param random from 0 to 1
 */
export const nextAfter = (outcome: Outcome, attempt: number, now: number, random: number): Next => {
  if (outcome._tag === "Accepted") return { status: "sent" }
  const delay = delays[attempt - 1]
  if (outcome._tag === "Refused" || delay === undefined) return { status: "failed" }
  return { status: "pending", nextAttemptAt: now + Math.round(delay * (1 + jitter * random)) }
}

/** An error of an SMTP session: the step at which it occurred, and the server's answer if there was one. */
export interface SmtpError {
  /** The command that the server answered, such as `RCPT TO`. */
  readonly command: string | undefined
  /** The three digits of the server's answer. */
  readonly code: number | undefined
  /** The server's answer, such as `550 5.1.1 no such user`, if it answered. */
  readonly answer: string | undefined
  readonly message: string
}

/** Whether an answer's enhanced status (RFC 3463) is about security or policy, as in `554 5.7.1 Relay access denied`. */
const isPolicy = (answer: string): boolean => /^5\d\d[ -]5\.7\.\d/.test(answer)

/**
 * Whether an error is final. An answer of 5xx is final if it refuses the recipient or the message. It is not final if it
 * refuses the login, the sender or the whole connection, or if it refuses the recipient with 5.7.x, for example because the
 * server does not relay for us: the operator has to fix these, and the mail must not be lost meanwhile.
 */
export const smtpOutcome = ({
  answer = "",
  code = 0,
  command,
  message
}: SmtpError): Exclude<Outcome, { readonly _tag: "Accepted" }> =>
  code >= 500 && code < 600 && (command === "DATA" || (command === "RCPT TO" && !isPolicy(answer)))
    ? { _tag: "Refused", error: message }
    : { _tag: "Failed", error: message }

/** The outcome of an attempt, and what follows. */
export interface MailSettlement {
  readonly next: Next
  /** What went wrong, or null. */
  readonly error: string | null
}

export class Mails extends Context.Service<
  Mails,
  {
    /**
     * Makes mails for the waiting submissions and for the reports that are due at `now`, in milliseconds since 1970, and
     * returns the number of notifications that it checked. For each notification, a submission or report is in one mail only,
     * even with several processes.
     */
    readonly make: (now: number) => Effect.Effect<number, StorageUnavailable>
    /** Leases at most `count` mails that are due. Until the lease ends, no other process gets these mails. */
    readonly lease: (count: number) => Effect.Effect<ReadonlyArray<LeasedMail>, StorageUnavailable>
    /** Records an attempt. Does nothing if the mail was leased again, or has ended. */
    readonly settle: (mail: LeasedMail, settlement: MailSettlement) => Effect.Effect<void, StorageUnavailable>
  }
>()("hydracore/delivery/mail/Mails") {}
