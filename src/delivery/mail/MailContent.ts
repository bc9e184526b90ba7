/**
 * Reads the content of a mail. The numbers of a report are read when its mail is sent: the period has ended, so they no longer
 * change.
 *
 * @module
 */
import { Effect } from "effect"
import { Reports } from "../../analytics/reports/Reports.ts"
import type { AllowedHost } from "../../platform/outward/AddressGuard.ts"
import * as OperatorsWebhook from "../OperatorsWebhook.ts"
import * as ConfirmationMail from "./ConfirmationMail.ts"
import type { LeasedMail, MailSite } from "./Mail.ts"
import type { Period } from "./Notification.ts"
import * as ProblemMail from "./ProblemMail.ts"
import * as ReportMail from "./ReportMail.ts"
import * as ReportPeriod from "./ReportPeriod.ts"
import * as SubmissionMail from "./SubmissionMail.ts"
import * as WebhookMail from "./WebhookMail.ts"

/** The report of a period. */
export const report = Effect.fnUntraced(function* (site: MailSite, period: Period, range: ReportPeriod.Range) {
  const reports = yield* Reports
  const answersIn = (days: ReportPeriod.Range) => {
    const { leads, pages, sources, totals } = ReportMail.queries(site, days)
    // One after another: a mail must not take all connections for reports.
    return Effect.all({
      totals: reports.query(site, totals),
      leads: reports.query(site, leads),
      sources: reports.query(site, sources),
      pages: reports.query(site, pages)
    })
  }
  const current = yield* answersIn(range)
  const previous = yield* answersIn(ReportPeriod.before(period, range))
  return ReportMail.content(site, period, range, current, previous)
})

/**
 * The content of a leased mail; null if nothing is left to send.
 *
 * @param confirmUrl the page that confirms the recipient's address
 * @param operatorsHosts receivers of webhooks that the recipient must not know
 */
export const of = Effect.fnUntraced(function* (
  { notification, site, subject }: LeasedMail,
  confirmUrl: string,
  operatorsHosts: ReadonlyArray<AllowedHost>
) {
  switch (subject.kind) {
    case "submissions":
      return subject.count + subject.conversations.count === 0
        ? null
        : SubmissionMail.content(site, subject.submissions, subject.count, subject.conversations)
    case "report":
      return yield* report(site, notification.report ?? "weekly", subject.range)
    case "webhook-disabled": {
      const { host, ...webhook } = subject.webhook
      const isHidden = OperatorsWebhook.isOperatorsHost(operatorsHosts, host)
      return WebhookMail.content(site, { ...webhook, host: isHidden ? null : host })
    }
    case "problems":
      return ProblemMail.content(site, subject.problems)
    case "confirmation":
      return notification.confirmed ? null : ConfirmationMail.content(site, confirmUrl)
  }
})
