/**
 * Makes, leases and settles the mails of this process.
 *
 * @module
 */
import { Clock, Effect, Layer } from "effect"
import { leaseMillis } from "../../core/delivery/Webhook.ts"
import * as Digest from "../../core/mail/Digest.ts"
import type { LeasedMail, Subject } from "../../core/mail/Mail.ts"
import type { Period } from "../../core/mail/Notification.ts"
import * as ReportPeriod from "../../core/mail/ReportPeriod.ts"
import { maxShown } from "../../core/mail/SubmissionMail.ts"
import { hourMillis } from "../../core/text/Calendar.ts"
import { Mails } from "../../services/mail/Mails.ts"
import { Submissions } from "../forms/SubmissionRepo.ts"
import { Sites } from "../sites/SiteDirectory.ts"
import { itemKey, MailTables, type StoredMail, type StoredNotification } from "./MailTables.ts"

export const layer: Layer.Layer<Mails, never, MailTables | Submissions | Sites> = Layer.effect(
  Mails,
  Effect.gen(function* () {
    const tables = yield* MailTables
    const submissions = yield* Submissions
    const sites = yield* Sites

    const makeSubmissionMails = (notification: StoredNotification, digest: Digest.Waiting["digest"], now: number) => {
      const { notificationId, recipient, websiteConfigId } = notification
      const waiting = [...tables.items.values()]
        .filter((item) => item.notificationId === notificationId && item.mailId === null)
        .sort((left, right) => left.createdAt - right.createdAt || (left.submissionId < right.submissionId ? -1 : 1))
      const mailedAt = tables.recipient(websiteConfigId, recipient).mailedAt.filter((time) => now - time < hourMillis)
      const timeZone = sites.get(websiteConfigId)?.timeZone ?? "UTC"
      const oldestAt = waiting[0]?.createdAt ?? now
      const { mails, nextAt } = Digest.plan({ digest, timeZone, count: waiting.length, oldestAt, mailedAt }, now)
      for (const count of mails) {
        const mailId = tables.add(notificationId, { kind: "submissions" }, now)
        for (const item of waiting.splice(0, count)) tables.items.set(itemKey(item), { ...item, mailId })
      }
      if (mails.length > 0) tables.updateRecipient(notification, { mailedAt: [...mailedAt, ...mails.map(() => now)] })
      tables.notifications.set(notificationId, { ...notification, dueAt: nextAt })
    }

    const makeReport = (notification: StoredNotification, period: Period, now: number) => {
      const facts = { now, timeZone: sites.get(notification.websiteConfigId)?.timeZone ?? "UTC" }
      const range = ReportPeriod.latest(period, facts)
      const isNew = notification.reportedUntil === null || notification.reportedUntil < range.last
      if (isNew) tables.add(notification.notificationId, { kind: "report", range }, now)
      tables.notifications.set(notification.notificationId, {
        ...notification,
        dueAt: ReportPeriod.nextDue(period, facts),
        reportedUntil: isNew ? range.last : notification.reportedUntil
      })
    }

    const subjectOf = ({ about, mailId }: StoredMail): Subject => {
      if (about.kind !== "submissions") return about
      const found = [...tables.items.values()]
        .filter((item) => item.mailId === mailId)
        .flatMap(({ submissionId }) => submissions.find(submissionId) ?? [])
        .sort((left, right) => left.receivedAt - right.receivedAt || (left.submissionId < right.submissionId ? -1 : 1))
      return { kind: "submissions", submissions: found.slice(0, maxShown), count: found.length }
    }

    const leaseOne = (mail: StoredMail, now: number): ReadonlyArray<LeasedMail> => {
      const stored = tables.notifications.get(mail.notificationId)
      const site = sites.get(stored?.websiteConfigId ?? "")
      if (stored === undefined || site === undefined) return []
      const attempt = mail.attempts + 1
      tables.mails.set(mail.mailId, { ...mail, attempts: attempt, nextAttemptAt: now + leaseMillis })
      const { dueAt: _, reportedUntil: __, ...notification } = stored
      const { hostedWebsiteId, name, timeZone, websiteConfigId } = site
      return [
        {
          mailId: mail.mailId,
          attempt,
          createdAt: mail.createdAt,
          notification,
          site: { websiteConfigId, hostedWebsiteId, name, timeZone },
          subject: subjectOf(mail)
        }
      ]
    }

    return Mails.of({
      make: (now) =>
        Effect.sync(() => {
          const due = [...tables.notifications.values()].filter(
            ({ dueAt, isConfirmed }) => isConfirmed && dueAt !== null && dueAt <= now
          )
          for (const notification of due) {
            const { topic } = notification
            if (topic.kind === "report") makeReport(notification, topic.period, now)
            else makeSubmissionMails(notification, topic.digest, now)
          }
          return due.length
        }),
      lease: (count) =>
        Effect.map(Clock.currentTimeMillis, (now) =>
          [...tables.mails.values()]
            .filter(({ nextAttemptAt }) => nextAttemptAt !== null && nextAttemptAt <= now)
            .slice(0, count)
            .flatMap((mail) => leaseOne(mail, now))
        ),
      settle: ({ attempt, mailId }, { error, next }) =>
        Effect.sync(() => {
          const mail = tables.mails.get(mailId)
          if (mail === undefined || mail.attempts !== attempt || mail.status !== "pending") return
          const nextAttemptAt = next.status === "pending" ? next.nextAttemptAt : null
          tables.mails.set(mailId, { ...mail, status: next.status, nextAttemptAt, error })
        })
    })
  })
)
