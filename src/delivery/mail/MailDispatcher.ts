/**
 * Sends mails while the process runs: makes the mails that are due, leases them and replies to visitors, sends both and records the
 * outcomes. The fan-out in `Dispatcher` records which submissions must be mailed.
 *
 * @module
 */
import { Clock, Duration, Effect, FiberSet, Layer, Random, Redacted } from "effect"
import type { Reports } from "../../analytics/reports/Reports.ts"
import type { AllowedHost } from "../../platform/outward/AddressGuard.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import * as Metrics from "../../platform/telemetry/Metrics.ts"
import * as Dispatcher from "../Dispatcher.ts"
import * as Compose from "./Compose.ts"
import * as LinkToken from "./LinkToken.ts"
import * as Mail from "./Mail.ts"
import * as MailContent from "./MailContent.ts"
import type { Sender, Sending } from "./Mailer.ts"
import type { Content } from "./Message.ts"
import { Notifications } from "./Notification.ts"
import * as Reply from "./Reply.ts"

/** The maximum number of concurrent attempts of a process. It is low, because all mails go to one server. */
const slots = 4

/** The time limit for reading a mail's content. Together with the time limit for sending, it is shorter than the lease. */
const contentTimeout = Duration.seconds(8)

/** The minimum time between two rounds. */
const gap = Duration.millis(20)

/** A mail with this content to the recipient of a notification. */
export const messageOf = (
  { from, publicUrl, secretsKey }: Sender,
  content: Content,
  { createdAt, mailId, notification }: Pick<Mail.LeasedMail, "mailId" | "createdAt" | "notification">
) =>
  Compose.compose(content, {
    mailId,
    from,
    to: notification.to,
    createdAt,
    unsubscribeUrl: `${publicUrl}/v1/public/mail/unsubscribe/${LinkToken.signUnsubscribe(Redacted.value(secretsKey), notification.notification_id)}`
  })

const confirmUrlOf = ({ publicUrl, secretsKey }: Sender, { notification, site }: Mail.LeasedMail): string =>
  `${publicUrl}/v1/public/mail/confirm/${LinkToken.signConfirmation(Redacted.value(secretsKey), site.websiteConfigId, notification.to)}`

/** Warns of a mail that has failed for good. The server's answer may name the recipient, so it is not logged. */
const warnOfFailure = ({ attempt: attempts, mailId, notification }: Mail.LeasedMail) =>
  Effect.logWarning(
    "A mail has failed and is not sent again. See why with notify list --site <website_config_id>."
  ).pipe(
    Effect.annotateLogs({
      websiteConfigId: notification.website_config_id,
      notificationId: notification.notification_id,
      mailId,
      attempts
    })
  )

/** What follows an attempt, whose outcome is null if nothing was left to send. */
const settlementOf = Effect.fnUntraced(function* (outcome: Mail.Outcome | null, attempt: number) {
  const now = yield* Clock.currentTimeMillis
  const next: Mail.Next =
    outcome === null ? { status: "cancelled" } : Mail.nextAfter(outcome, attempt, now, yield* Random.next)
  yield* Dispatcher.countAttempt(Metrics.mailAttempts, next.status)
  return { next, error: outcome === null || outcome._tag === "Accepted" ? null : outcome.error }
})

/** Sends a mail and records the outcome. */
const attempt = Effect.fnUntraced(function* (
  { mailer, sender }: Sending,
  operatorsHosts: ReadonlyArray<AllowedHost>,
  mail: Mail.LeasedMail
) {
  const mails = yield* Mail.Mails
  const outcome = yield* MailContent.of(mail, confirmUrlOf(sender, mail), operatorsHosts).pipe(
    Effect.timeout(contentTimeout),
    Effect.flatMap((content) =>
      content === null
        ? Effect.succeed(null)
        : mailer.send(messageOf(sender, MailContent.withConsoleLinks(sender.consoleUrl, content, mail), mail))
    ),
    Effect.catch((error) =>
      Effect.succeed<Mail.Outcome>({ _tag: "Failed", error: `the report could not be read (${error._tag})` })
    )
  )
  const settlement = yield* settlementOf(outcome, mail.attempt)
  yield* mails.settle(mail, settlement)
  if (settlement.next.status === "failed") yield* warnOfFailure(mail)
})

/** Sends a reply to a visitor and records the outcome. */
const attemptReply = Effect.fnUntraced(function* ({ mailer, sender: { from } }: Sending, reply: Reply.LeasedReply) {
  const replies = yield* Reply.Replies
  const { attempt, createdAt, reply_id: mailId, site, to } = reply
  const message = Compose.compose(Reply.content(reply), { mailId, from, to, createdAt, unsubscribeUrl: null })
  const outcome: Mail.Outcome = Reply.isTooLate(reply, yield* Clock.currentTimeMillis)
    ? { _tag: "Refused", error: "no mail server accepted it within a day" }
    : yield* mailer.send(message)
  const settlement = yield* settlementOf(outcome, attempt)
  yield* replies.settle(reply, settlement)
  if (settlement.next.status === "failed") {
    yield* Effect.logWarning("A reply to a visitor has failed and is not sent again. The console says why.").pipe(
      Effect.annotateLogs({ websiteConfigId: site.websiteConfigId, replyId: mailId, attempts: attempt })
    )
  }
})

/** Warns in a process without a mail server if there are notifications or automatic replies. */
export const warnWithoutServer: Layer.Layer<never, never, Notifications> = Layer.effectDiscard(
  Notifications.use(({ isUsed }) => isUsed).pipe(
    Effect.flatMap((used) =>
      used
        ? Effect.logWarning(
            "Websites have notifications or automatic replies, but this process sends no mail, because SMTP_URL is not set. Set it, or set DELIVERY=off where another process sends the mails."
          )
        : Effect.void
    ),
    // If the database is unavailable, `Dispatcher` logs that.
    Effect.ignore,
    Effect.forkScoped
  )
)

/**
 * Runs until the scope closes. Mails whose sending this interrupts are due again when their leases end.
 *
 * @param operatorsHosts the receivers of webhooks that mails do not name
 */
export const layer = (
  sending: Sending,
  operatorsHosts: ReadonlyArray<AllowedHost>
): Layer.Layer<never, never, Mail.Mails | Reply.Replies | Reports> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const mails = yield* Mail.Mails
      const replies = yield* Reply.Replies
      const { wake } = yield* Rounds.Wakeups
      const fibers = yield* FiberSet.make()
      yield* Dispatcher.startAttempts(Metrics.mailAttempts)

      const start = <E>(attempted: Effect.Effect<void, E, Mail.Mails | Reply.Replies | Reports>) =>
        FiberSet.run(
          fibers,
          attempted.pipe(
            Effect.catchCause((cause) =>
              Rounds.logFailure("Could not record a mail; it is sent again when its lease ends", cause)
            )
          )
        ).pipe(
          // The observer runs after the set has removed the fiber.
          Effect.tap((fiber) => Effect.sync(() => fiber.addObserver(() => wake("mails"))))
        )

      const round = Effect.gen(function* () {
        const made = yield* mails.make(yield* Clock.currentTimeMillis)
        const free = slots - (yield* FiberSet.size(fibers))
        // Replies first: a person waits for each.
        const leasedReplies = free > 0 ? yield* replies.lease(free) : []
        yield* Effect.forEach(leasedReplies, (reply) => start(attemptReply(sending, reply)), { discard: true })
        const left = free - leasedReplies.length
        const leased = left > 0 ? yield* mails.lease(left) : []
        yield* Effect.forEach(leased, (mail) => start(attempt(sending, operatorsHosts, mail)), { discard: true })
        return made > 0 || leased.length + leasedReplies.length > 0 ? gap : null
      })

      yield* Rounds.start({ kind: "mails", what: "read the due mails", round, gap, startsAtOnce: true })
    })
  )
